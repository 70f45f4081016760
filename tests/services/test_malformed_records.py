"""One real replica: what cannot be taken is set aside in table and topic, and holds nothing up."""

from typing import Any
from uuid import UUID

import orjson
import pytest

from rollcall_events import (
    MAX_ESSAYS_PER_BATCH,
    BatchContentProvisioningCompletedV1,
    BatchEssaysRegisteredV1,
    DeadLetterV1,
    EssayContentProvisionedV1,
    EssayValidationFailedV1,
    EventData,
)
from tests.db.events import content, contents, essay_id, failure, message, registration
from tests.db.evidence import Evidence
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.services.exposed_metrics import metrics, sample
from tests.services.kafka_client import KafkaClient


def changed(event: EventData, **changes: Any) -> bytes:
    """A message with other fields in its envelope, or in its data: data={"field": value}."""
    envelope = orjson.loads(message(event))
    data = envelope["data"] | changes.pop("data", {})
    return orjson.dumps(envelope | changes | {"data": data})


def malformed_contents(batch_id: UUID) -> list[tuple[bytes | None, str]]:
    """Values that the topic of contents must never carry, and what they are called."""
    good = content(batch_id, "refused")
    return [
        (None, "empty_value"),
        (b"", "empty_value"),
        (b"not JSON", "malformed"),
        (b"\xff\xfe\x00", "malformed"),
        (b"[]", "malformed"),
        (message(good)[:-5], "malformed"),
        (changed(good, data={"file_size_bytes": "many"}), "malformed"),
        (changed(good, data={"batch_id": "17"}), "malformed"),
        (changed(good, data={"text_storage_id": None}), "malformed"),
        (changed(good, data={"text_storage_id": "a\0b"}), "malformed"),
        (changed(good, event_timestamp="yesterday"), "malformed"),
        (changed(good, schema_version=2), "unknown_schema_version"),
        (changed(good, schema_version="1"), "malformed"),
        (changed(good, padding="x" * 2_000_000), "record_too_large"),
    ]


def malformed_registrations(batch_id: UUID) -> list[tuple[bytes | None, str]]:
    """Registrations of batches that cannot be."""
    good = registration(batch_id, 2)
    too_many = MAX_ESSAYS_PER_BATCH + 1
    return [
        (changed(good, data={"expected_essay_count": 0, "essay_ids": []}), "malformed"),
        (changed(good, data={"expected_essay_count": -1}), "malformed"),
        (changed(good, data={"expected_essay_count": 3}), "malformed"),
        (changed(good, data={"expected_essay_count": 1}), "malformed"),
        (changed(good, data={"expected_essay_count": "2"}), "malformed"),
        (changed(good, data={"essay_ids": ["same", "same"]}), "malformed"),
        (
            changed(
                good,
                data={
                    "expected_essay_count": too_many,
                    "essay_ids": [essay_id(position) for position in range(too_many)],
                },
            ),
            "malformed",
        ),
    ]


async def assert_set_aside(
    kafka: KafkaClient,
    evidence: Evidence,
    model: type[EventData],
    expected: list[tuple[bytes | None, str]],
) -> None:
    """Every record has its dead letter in the table and one in the topic, in order of arrival."""
    announced = await kafka.wait_for(DeadLetterV1, len(expected))
    rows = await evidence.dead_letters()
    assert [(row["record_value"], row["error_type"]) for row in rows] == expected
    by_offset = sorted(announced, key=lambda letter: letter.origin_offset)
    assert [letter.error_type for letter in by_offset] == [kind for _, kind in expected]
    assert {letter.origin_topic for letter in announced} == {kafka.topic(model)}


async def test_malformed_contents_are_dead_letters_and_hold_nothing_up(
    service_process: StartService, kafka: KafkaClient, evidence: Evidence, batch_id: UUID
) -> None:
    malformed = malformed_contents(batch_id)
    good = contents(batch_id, len(malformed))
    await kafka.send(registration(batch_id, len(malformed)))
    for number, (value, _) in enumerate(malformed):
        await kafka.send_raw(EssayContentProvisionedV1, value, partition=1)
        await kafka.send(good[number], partition=1)

    replica = service_process()

    await assert_set_aside(kafka, evidence, EssayContentProvisionedV1, malformed)
    assert await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
    assert await evidence.counts(batch_id) == (len(malformed), 0, 0)
    assert replica.exit_code is None


async def test_malformed_registrations_are_dead_letters_and_hold_nothing_up(
    service_process: StartService, kafka: KafkaClient, evidence: Evidence, batch_id: UUID
) -> None:
    malformed = malformed_registrations(batch_id)
    for value, _ in malformed:
        await kafka.send_raw(BatchEssaysRegisteredV1, value, partition=0)
    await kafka.send(registration(batch_id, 2), partition=0)

    service_process()

    await assert_set_aside(kafka, evidence, BatchEssaysRegisteredV1, malformed)
    assert await evidence.counts(batch_id) == (0, 0, 2)


async def test_correctness_does_not_depend_on_keys(
    service_process: StartService, kafka: KafkaClient, evidence: Evidence, batch_id: UUID
) -> None:
    """No key, an empty one, another batch's, bytes that are no text; on any partition."""
    keys = [None, b"", b"5b0f6a0e-3c1d-4f7e-9a51-2d6c8f0b7e11", b"\x00\xff"]
    for number, key in enumerate(keys):
        value = message(content(batch_id, f"text-{number}"))
        for partition in range(3):
            await kafka.send_raw(EssayContentProvisionedV1, value, key=key, partition=partition)
    await kafka.send_raw(
        EssayValidationFailedV1, message(failure(batch_id, "file")), key=None, partition=2
    )
    await kafka.send_raw(BatchEssaysRegisteredV1, message(registration(batch_id, 5)), partition=1)

    service_process()

    (completed,) = await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
    assert (completed.provisioned_count, completed.failed_count) == (4, 1)
    assert await evidence.dead_letters() == []


async def test_records_of_an_unknown_type_are_counted_and_passed_over(
    service_process: StartService, kafka: KafkaClient, evidence: Evidence, batch_id: UUID
) -> None:
    """Whatever else is in them: JSON that other parsers refuse, other versions, other shapes."""
    unknown = [
        changed(content(batch_id, "text"), event_type="EssayContentProvisionedV2"),
        changed(content(batch_id, "text"), event_type="Other", schema_version=9),
        b'{"event_type": "Other", "score": NaN}',
        b'{"event_type": "Other", "score": 1e999}',
    ]
    for value in unknown:
        await kafka.send_raw(EssayContentProvisionedV1, value, partition=0)
    await kafka.send(registration(batch_id, 1))
    await kafka.send(content(batch_id, "text"), partition=0)

    replica = service_process()
    assert await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)

    assert await evidence.dead_letters() == []
    labels = {"topic": kafka.topic(EssayContentProvisionedV1), "outcome": "skipped"}
    assert (await metrics(replica.url))[sample("rollcall_records_total", **labels)] == len(unknown)


async def test_a_record_whose_header_name_is_no_text_holds_nothing_up(
    service_process: StartService, kafka: KafkaClient, evidence: Evidence, batch_id: UUID
) -> None:
    """Kafka's own client cannot send it; librdkafka and others can. It is handled like any other."""
    await kafka.send_with_header_name(registration(batch_id, 1), b"\xff\xfe", partition=0)
    replica = service_process()

    async def handled_or_gone() -> bool:
        return replica.exit_code is not None or bool(await evidence.batch(batch_id))

    await eventually(handled_or_gone)
    assert replica.exit_code is None


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_records_of_every_compression_are_handled(
    codec: str,
    service_process: StartService,
    kafka: KafkaClient,
    evidence: Evidence,
    batch_id: UUID,
) -> None:
    """Upstreams compress as they like."""
    service_process()
    await kafka.send_compressed(codec, registration(batch_id, 1))

    async def handled() -> bool:
        return bool(await evidence.batch(batch_id))

    await eventually(handled)
