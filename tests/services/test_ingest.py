"""Events over HTTP, on one real replica: taken once Kafka has them, refused one by one, bounded."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    EssayContentProvisionedV1,
    EssaySlotAssignedV1,
    EventData,
)
from tests.db.events import content, message, registration
from tests.db.evidence import Evidence
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.http_client import http_client
from tests.service_process import ServiceProcess
from tests.services.exposed_metrics import metrics, sample
from tests.services.kafka_client import KafkaClient

ON = {"ROLLCALL_HTTP_INGEST": "true"}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def body(events: Sequence[EventData]) -> bytes:
    """A list of envelopes."""
    return b"[" + b",".join(message(event) for event in events) + b"]"


async def post(replica: ServiceProcess, content: bytes, **headers: str) -> httpx.Response:
    """POST a body of bytes."""
    async with http_client() as client:
        return await client.post(f"{replica.url}/v1/events", content=content, headers=headers)


async def test_events_take_effect_once_however_often_they_are_sent(
    service_process: StartService, kafka: KafkaClient, evidence: Evidence, batch_id: UUID
) -> None:
    replica = service_process(**ON)
    await replica.wait_ready()
    whole = body([registration(batch_id, 3), *(content(batch_id, text) for text in "abc")])

    answers = await asyncio.gather(*(post(replica, whole, traceparent=TRACE) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {202}
    told = answers[0].json()
    assert (told["accepted"], told["refused"]) == (4, 0)
    assert [event["index"] for event in told["events"]] == [0, 1, 2, 3]
    await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
    assert len(await kafka.records(EssayContentProvisionedV1)) == 15

    async def everything_is_handled() -> bool:
        instance = await replica.instance()
        return instance["records_total"] == 20

    await eventually(everything_is_handled)
    slots = await kafka.records(EssaySlotAssignedV1)
    assert len(slots) == 3
    # Tracing is off: nothing is handed on.
    assert {name for slot in slots for name, _ in slot.headers} == {"lane-seq"}
    assert len(await kafka.committed(BatchContentProvisioningCompletedV1)) == 1


async def test_an_answer_tells_where_the_record_is(
    service_process: StartService, kafka: KafkaClient, batch_id: UUID
) -> None:
    replica = service_process(**ON)
    await replica.wait_ready()
    value = message(content(batch_id, "a"))
    (event,) = (await post(replica, value, traceparent=TRACE)).json()["events"]
    (record,) = await kafka.records(EssayContentProvisionedV1)
    assert record.headers == (("traceparent", TRACE.encode()),)
    assert record.value == value
    assert record.key == str(batch_id).encode()
    assert event == {
        "index": 0,
        "outcome": "accepted",
        "event_id": orjson.loads(value)["event_id"],
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
    }


async def test_a_refused_event_does_not_keep_the_others_out(
    service_process: StartService, kafka: KafkaClient, batch_id: UUID
) -> None:
    replica = service_process(**ON)
    await replica.wait_ready()
    good = message(content(batch_id, "a"))
    unknown = orjson.dumps(orjson.loads(good) | {"event_type": "Unheard"})
    mixed = b"[" + b",".join([unknown, good, b'{"event_id":17}', b"null"]) + b"]"

    some = await post(replica, mixed)
    none = await post(replica, b"[" + unknown + b"]")

    assert (some.status_code, some.json()["accepted"], some.json()["refused"]) == (202, 1, 3)
    outcomes = [event.get("error_type", "accepted") for event in some.json()["events"]]
    assert outcomes == ["unknown_event_type", "accepted", "malformed", "malformed"]
    assert (none.status_code, len(none.json()["events"])) == (422, 1)
    assert len(await kafka.records(EssayContentProvisionedV1)) == 1
    found = await metrics(replica.url)
    assert found[sample("rollcall_ingest_events_total", outcome="refused")] == 4
    assert found[sample("rollcall_ingest_requests_total", status="202")] == 1


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"not JSON", 400), (b"[]", 400), (b"[" + b"{}," * 500 + b"{}]", 400), (b" " * 5000, 413)],
    ids=["not JSON", "nothing", "501 events", "too large"],
)
async def test_a_body_that_is_no_list_of_envelopes_is_refused_whole(
    ingesting: ServiceProcess, content: bytes, status: int
) -> None:
    answer = await post(ingesting, content)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_without_kafka_requests_are_told_to_come_again_and_memory_is_bounded(
    service_process: StartService, batch_id: UUID, silent_server: str
) -> None:
    replica = service_process(
        **ON,
        ROLLCALL_KAFKA_BOOTSTRAP_SERVERS=silent_server,
        ROLLCALL_INGEST_TIMEOUT_SECONDS="8",
        ROLLCALL_INGEST_MAX_BODY_BYTES="4000",
        ROLLCALL_INGEST_MAX_IN_FLIGHT_BYTES="4000",
    )
    await eventually(lambda: _listens(replica))
    whole = body([content(batch_id, text) for text in "abcde"])
    assert 2000 < len(whole) < 4000

    first = asyncio.ensure_future(post(replica, whole))
    await eventually(lambda: _in_flight_bytes(replica))
    second = await post(replica, whole)
    late = await first

    assert (second.status_code, late.status_code) == (429, 503)
    assert second.headers["retry-after"] == late.headers["retry-after"] == "1"
    assert {event["outcome"] for event in late.json()["events"]} == {"unknown"}
    assert await _in_flight_bytes(replica) == 0


async def test_the_way_in_is_closed_unless_it_is_switched_on(
    service_process: StartService,
) -> None:
    replica = service_process()
    await eventually(lambda: _listens(replica))
    assert (await post(replica, b"[]")).status_code == 404


@pytest.fixture
async def ingesting(service_process: StartService) -> ServiceProcess:
    """A replica that takes events of up to 4,000 bytes together."""
    replica = service_process(**ON, ROLLCALL_INGEST_MAX_BODY_BYTES="4000")
    await eventually(lambda: _listens(replica))
    return replica


@pytest.fixture
async def silent_server() -> AsyncIterator[str]:
    """Address of a server that takes connections and says nothing, as a frozen broker."""
    connected: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: connected.append(writer), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    yield f"{host}:{port}"
    for writer in connected:
        writer.close()
    server.close()


async def _in_flight_bytes(replica: ServiceProcess) -> float:
    return (await metrics(replica.url))[sample("rollcall_ingest_in_flight_bytes")]


async def _listens(replica: ServiceProcess) -> Any:
    try:
        async with http_client(5) as client:
            return (await client.get(f"{replica.url}/healthz/live")).status_code == 200
    except httpx.TransportError:
        return False
