"""Whether a contestant's answer is right: a fast wrong answer is a wrong answer."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.deployment import SCHEMA, Deployment
from rollcall_cluster.measuring.load import Load, expected_contents
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    DeadLetterV1,
    EssaySlotAssignedV1,
    EventData,
    ExcessContentProvisionedV1,
)

Slot = tuple[UUID, str, str]
"""Batch, content, essay."""

_READ_SECONDS = 300
_ANNOUNCED = (BatchContentProvisioningCompletedV1, BatchEssaysReadyV1)
_COUNTERS = """
SELECT batch_id, expected_count, open_count, filled_count, c.batch_id IS NOT NULL AS announced
FROM batch LEFT JOIN completion c USING (batch_id)
"""
_FILLED = "SELECT batch_id, text_storage_id, essay_id FROM slot WHERE state = 'filled'"


@dataclass(slots=True)
class Answer:
    """What a contestant left behind.

    Attributes:
        filled: slots that hold a content in the database.
        unfinished: batches whose counters or completion row are not those of a complete batch.
        assigned: slot events.
        announced: by model, each announced batch with the contents that the announcement lists.
        excess: excess events, which no load causes.
        dead_letters: where the records that were set aside came from.
    """

    filled: list[Slot]
    unfinished: list[UUID]
    assigned: list[Slot] = field(default_factory=list)
    announced: dict[str, list[tuple[UUID, list[str]]]] = field(default_factory=dict)
    excess: int = 0
    dead_letters: list[tuple[str, int, int]] = field(default_factory=list)


def problems(answer: Answer, loads: Sequence[Load]) -> list[str]:
    """What is wrong with an answer; nothing if it is right. Pure."""
    expected = expected_contents(loads)
    wanted = {(batch_id, content) for batch_id, texts in expected.items() for content in texts}
    found = _deviations("slots", Counter((batch, text) for batch, text, _ in answer.filled), wanted)
    found += _deviations(
        "slot events", Counter((batch, text) for batch, text, _ in answer.assigned), wanted
    )
    if set(answer.filled) != set(answer.assigned):
        found.append("slot events name other essays than the slots do")
    if answer.unfinished:
        found.append(f"{len(answer.unfinished)} batches are not complete in the database")
    for model, announcements in answer.announced.items():
        batches = Counter(batch_id for batch_id, _ in announcements)
        found += _deviations(model, batches, set(expected))
        wrong = sum(
            sorted(expected.get(batch, ())) != sorted(texts) for batch, texts in announcements
        )
        if wrong:
            found.append(f"{model}: {wrong} list the wrong contents")
    if answer.excess:
        found.append(f"{answer.excess} excess events")
    return found + _dead_letter_problems(answer, sum(load.dead_letters for load in loads))


def _dead_letter_problems(answer: Answer, wanted: int) -> list[str]:
    """Each bad record once; which ones they are is what the decoder's own tests are about."""
    distinct = set(answer.dead_letters)
    found = []
    if repeated := len(answer.dead_letters) - len(distinct):
        found.append(f"dead letters: {repeated} repeated")
    if len(distinct) != wanted:
        found.append(f"dead letters: {len(distinct)} instead of {wanted}")
    return found


def _deviations(what: str, counted: Counter[Any], wanted: set[Any]) -> list[str]:
    """Each wanted thing exactly once, and nothing else."""
    cases = {
        "missing": len(wanted - counted.keys()),
        "unknown": len(counted.keys() - wanted),
        "repeated": sum(count - 1 for count in counted.values()),
    }
    return [f"{what}: {count} {case}" for case, count in cases.items() if count]


async def collect(deployment: Deployment, *, keeps_tables: bool = True) -> Answer:
    """Read everything that a contestant left in the database and in its output topics.

    One that keeps its state elsewhere is judged by its events alone.
    """
    answer = Answer([], [])
    if keeps_tables:
        answer = await asyncio.to_thread(_read_database, deployment)
    for data in await _read_topic(deployment, EssaySlotAssignedV1):
        answer.assigned.append((UUID(data["batch_id"]), data["text_storage_id"], data["essay_id"]))
    for model in _ANNOUNCED:
        answer.announced[model.event_type] = [
            (UUID(data["batch_id"]), _listed(data)) for data in await _read_topic(deployment, model)
        ]
    answer.excess = len(await _read_topic(deployment, ExcessContentProvisionedV1))
    answer.dead_letters = [
        (data["origin_topic"], data["origin_partition"], data["origin_offset"])
        for data in await _read_topic(deployment, DeadLetterV1)
    ]
    if not keeps_tables:
        answer.filled = list(answer.assigned)
    return answer


def _listed(data: Mapping[str, Any]) -> list[str]:
    essays: Iterable[Mapping[str, str]] = data.get("essays_for_processing") or data["ready_essays"]
    return [essay["text_storage_id"] for essay in essays]


def _read_database(deployment: Deployment) -> Answer:
    with psycopg.connect(deployment.dsn, options=f"-c search_path={SCHEMA}") as connection:
        filled = connection.execute(_FILLED).fetchall()
        counters = connection.execute(_COUNTERS).fetchall()
    unfinished = [
        batch_id
        for batch_id, expected, open_count, filled_count, announced in counters
        if open_count or filled_count != expected or not announced
    ]
    return Answer(filled, unfinished)


async def _read_topic(deployment: Deployment, model: type[EventData]) -> list[dict[str, Any]]:
    """The data of every event of a topic that is readable under read_committed."""
    topic = deployment.topic(model)
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=deployment.bootstrap_servers,
        group_id=None,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(_READ_SECONDS), consumer:
        partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(p) < ends[p] for p in partitions]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [orjson.loads(record.value)["data"] for record in records]
    return found
