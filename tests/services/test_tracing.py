"""One trace from the upstream's headers to those of the published record, on a real replica."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    DeadLetterV1,
    EssayContentProvisionedV1,
    EssaySlotAssignedV1,
    EventData,
)
from tests.db.events import content, contents, registration
from tests.db.evidence import Evidence
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.services.kafka_client import KafkaClient
from tests.services.otlp_receiver import OtlpReceiver, Seen, receiving


def upstream(trace_id: str | None = None, *, sampled: bool = True) -> dict[str, str]:
    """The headers of a record that another service sent within a trace."""
    flags = "01" if sampled else "00"
    parent = f"00-{trace_id or secrets.token_hex(16)}-{secrets.token_hex(8)}-{flags}"
    return {"traceparent": parent, "tracestate": "vendor=t61"}


def parts(headers: dict[str, str]) -> tuple[str, str]:
    """Trace and span that such headers refer to."""
    _, trace_id, span_id, _ = headers["traceparent"].split("-")
    return trace_id, span_id


def header(record: Any, name: str) -> bytes | None:
    """A header of a published record; it is there once at most."""
    found = [value for key, value in record.headers if key == name]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.fixture
def collector() -> Iterator[OtlpReceiver]:
    """Takes the spans of this test's replicas."""
    with receiving() as receiver:
        yield receiver


def tracing_to(endpoint: str, **more: str) -> dict[str, str]:
    """Variables of a replica that traces."""
    return {
        "ROLLCALL_TRACING": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        **more,
    }


async def span_of(collector: OtlpReceiver, record: Any) -> Seen:
    """The span that a published record's header refers to."""
    traceparent = header(record, "traceparent")
    assert traceparent is not None, record.headers

    await eventually(
        lambda: collector.by_traceparent(traceparent) is not None, message=repr(traceparent)
    )
    span = collector.by_traceparent(traceparent)
    assert span is not None
    return span


async def published(kafka: KafkaClient, model: type[EventData], count: int) -> list[Any]:
    """Records of an event, once there are so many."""
    await kafka.wait_for(model, count)
    return await kafka.records(model)


async def test_a_record_is_followed_from_header_to_header(
    service_process: StartService, kafka: KafkaClient, collector: OtlpReceiver, batch_id: UUID
) -> None:
    """Content of two traces: each slot goes on in its own, the completion links to all of them."""
    replica = service_process(**tracing_to(collector.endpoint))
    await replica.wait_ready()
    sent = {"registration": upstream(), "a": upstream(), "b": upstream()}
    await kafka.send(registration(batch_id, 2), headers=sent["registration"])
    await kafka.send(content(batch_id, "a"), headers=sent["a"])
    await kafka.send(content(batch_id, "b"), headers=sent["b"])

    for record in await published(kafka, EssaySlotAssignedV1, 2):
        text = EssaySlotAssignedV1.envelope().model_validate_json(record.value).data.text_storage_id
        trace_id, sender = parts(sent[text])
        sending = await span_of(collector, record)
        assert header(record, "tracestate") == b"vendor=t61"
        processing = collector.parent_of(sending)
        assert sending.trace_id == processing.trace_id == trace_id
        assert sending.name == f"send {kafka.topic(EssaySlotAssignedV1)}"
        assert processing.name == f"process {kafka.topic(EssayContentProvisionedV1)}"
        assert processing.parent_id == sender
        assert processing.ended_ns <= sending.ended_ns
        assert processing.instance == sending.instance == replica.instance_id
        ((_, transaction_id),) = processing.links
        (transaction,) = [s for s in collector.named("transaction") if s.span_id == transaction_id]
        (chunk,) = [
            s for s in collector.named("process chunk") if s.span_id == transaction.parent_id
        ]
        assert (trace_id, sender) in chunk.links
        ((_, relay_id),) = sending.links
        assert relay_id in {span.span_id for span in collector.named("send lane")}

    (completion,) = await published(kafka, BatchContentProvisioningCompletedV1, 1)
    sending = await span_of(collector, completion)
    creating = collector.parent_of(sending)
    assert creating.name == f"create {kafka.topic(BatchContentProvisioningCompletedV1)}"
    traces = {parts(headers)[0] for headers in sent.values()}
    linked = {trace_id for trace_id, _ in creating.links}
    assert linked | {creating.trace_id} == traces
    assert len(linked) == 2
    processed = {(s.trace_id, s.span_id) for s in collector.named("process ")}
    assert {*creating.links, (creating.trace_id, creating.parent_id)} <= processed


async def test_content_that_waits_for_its_batch_goes_on_in_its_trace(
    service_process: StartService,
    kafka: KafkaClient,
    collector: OtlpReceiver,
    evidence: Evidence,
    batch_id: UUID,
    connection: Any,
) -> None:
    """Minutes may pass between the two transactions: the database keeps what connects them."""
    replica = service_process(**tracing_to(collector.endpoint))
    await replica.wait_ready()
    sent = upstream()
    await kafka.send(content(batch_id, "a"), headers=sent)

    async def waits() -> bool:
        return bool(await connection.fetchval("SELECT count(*) FROM unplaced"))

    await eventually(waits)
    await kafka.send(registration(batch_id, 1))
    (slot,) = await published(kafka, EssaySlotAssignedV1, 1)
    sending = await span_of(collector, slot)
    assert collector.parent_of(sending).parent_id == parts(sent)[1]
    (completion,) = await published(kafka, BatchContentProvisioningCompletedV1, 1)
    assert (await span_of(collector, completion)).trace_id == sending.trace_id
    assert await connection.fetchval("SELECT count(*) FROM claim_trace") == 0


async def test_who_is_not_sampled_is_handed_on_and_not_recorded(
    service_process: StartService, kafka: KafkaClient, collector: OtlpReceiver, batch_id: UUID
) -> None:
    """The sampler of the first service decides for all; records without a trace start none.

    A dead letter belongs to the trace of its record.
    """
    more = {"ROLLCALL_DEAD_LETTER_MAX_SHARE": "1"}
    replica = service_process(**tracing_to(collector.endpoint, **more))
    await replica.wait_ready()
    sent = {"quiet": upstream(sampled=False), "none": {}, "loud": upstream()}
    await kafka.send(registration(batch_id, 4))
    for text, headers in sent.items():
        await kafka.send(content(batch_id, text), headers=headers)

    carried = {}
    for record in await published(kafka, EssaySlotAssignedV1, 3):
        text = EssaySlotAssignedV1.envelope().model_validate_json(record.value).data.text_storage_id
        carried[text] = record
    await span_of(collector, carried["loud"])
    assert header(carried["none"], "traceparent") is None
    quiet = header(carried["quiet"], "traceparent")
    assert quiet is not None
    assert quiet.startswith(f"00-{parts(sent['quiet'])[0]}-".encode())
    assert quiet.endswith(b"-00")
    assert collector.of_trace(parts(sent["quiet"])[0]) == []
    assert {span.trace_id for span in collector.named("process t")} == {parts(sent["loud"])[0]}

    broken = upstream()
    await kafka.send_raw(EssayContentProvisionedV1, b"{", partition=0, headers=broken)
    (letter,) = await published(kafka, DeadLetterV1, 1)
    processing = collector.parent_of(await span_of(collector, letter))
    assert (processing.trace_id, processing.parent_id) == parts(broken)
    assert processing.is_error
    assert processing.attributes["error.type"] == "malformed"


async def test_a_collector_that_is_away_holds_up_nothing(
    service_process: StartService, kafka: KafkaClient, batch_id: UUID
) -> None:
    """It takes connections and never answers, which is worse than being down; the queue is full."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        replica = service_process(
            **tracing_to(
                endpoint, OTEL_BSP_MAX_QUEUE_SIZE="64", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="16"
            )
        )
        await replica.wait_ready()
        await kafka.send(registration(batch_id, 500))
        await kafka.send(*contents(batch_id, 500), headers=upstream())
        assert len(await kafka.wait_for(EssaySlotAssignedV1, 500)) == 500
        assert (await replica.instance())["ready"]
        replica.terminate()
        assert await replica.wait_exit() == 0
    assert len(replica.log_events("spans_not_sent")) == 1
