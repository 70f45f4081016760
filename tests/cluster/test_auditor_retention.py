"""The auditor and retention: what it cannot check any more, and what it still can."""

from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from rollcall_cluster.auditor.kafka_log import KafkaLogs, LogBatch, LogRange
from rollcall_cluster.embedded import EmbeddedServers
from rollcall_events import DeadlinePolicy
from rollcall_events.topics import TOPICS
from tests.unit.auditor.clean import OPEN, clean_world
from tests.unit.auditor.deployment import CONTENT_TOPIC, SLOTS_TOPIC, Deployment, told
from tests.unit.auditor.events import content
from tests.unit.auditor.service import Service
from tests.unit.auditor.world import World, batch_named

NEW = batch_named("of just now")
DAY = timedelta(days=1)
Ranges = Mapping[TopicPartition, LogRange]


@pytest.fixture
def deployment(servers: EmbeddedServers, database: str, topic_prefix: str) -> Deployment:
    """An empty deployment of this test's own."""
    return Deployment(servers.kafka.address, database, topic_prefix)


async def _remove_before(deployment: Deployment, topic: str, partition: int, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=deployment.kafka)
    await admin.start()
    try:
        where = TopicPartition(deployment.prefix + topic, partition)
        await admin.delete_records({where: RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()


async def test_what_retention_removed_is_not_checkable(deployment: Deployment):
    """Slots whose input and announcement are gone are no violations; how much is gone is told."""
    world = clean_world(deployment.prefix).finish()
    await deployment.load(world, constrained=True)
    for topic in (CONTENT_TOPIC, SLOTS_TOPIC):
        last = max((r for r in world.records if r.topic == topic), key=lambda record: record.offset)
        await _remove_before(deployment, topic, last.partition, last.offset)
    report = await deployment.audit()
    assert told(report) == {}
    unclear = {check.code for check in report.checks if check.not_checkable}
    assert unclear == {"content-without-input", "slot-not-announced", "order-not-published"}
    assert {log.topic for log in report.logs if log.no_longer_readable} == {
        deployment.prefix + CONTENT_TOPIC,
        deployment.prefix + SLOTS_TOPIC,
    }


async def test_input_removed_before_it_was_handled_is_found(deployment: Deployment):
    """A position below the start of its log is a loss."""
    world = clean_world(deployment.prefix).finish()
    Service(world)
    lost = [world.take_in(content(OPEN, name)) for name in ("lost", "lost too")]
    await deployment.load(world, constrained=True)
    await _remove_before(deployment, CONTENT_TOPIC, lost[1].partition, lost[1].offset + 1)
    report = await deployment.audit()
    assert report.violated_codes == {"position-below-start"}


def _announcing_nothing(world: World, now: datetime) -> None:
    """A batch of just now, with everything that is to be announced, and no announcement of it."""
    announced = len(world.records)
    service = Service(world)
    service.register(NEW, 2, DeadlinePolicy.COMPLETE_PARTIAL)
    service.provide(content(NEW, "one"))
    service.time_out(NEW)
    service.provide(content(NEW, "late"))
    service.bury(world.take_in(content(NEW, "poison")))
    for record in world.records[announced:]:
        if record.topic.startswith("els."):
            world.records.remove(record)
            world.offsets[(record.topic, record.partition)] -= 1
    world.row("slot", batch_id=NEW, state="filled")["taken_at"] = now
    world.row("batch", batch_id=NEW).update(completed_at=now, timed_out_at=now)
    world.row("unplaced", batch_id=NEW)["first_seen_at"] = now
    world.tables["dead_letter"][-1]["first_seen_at"] = now


def _fullest_partitions(world: World) -> dict[str, int]:
    """By output topic, the partition that has most records."""
    outputs = {topic.name for topic in TOPICS if topic.direction == "out"}
    count = Counter((r.topic, r.partition) for r in world.records if r.topic in outputs)
    return {topic: partition for (topic, partition), _ in reversed(count.most_common())}


async def test_what_was_lost_after_the_oldest_record_left_is_found(deployment: Deployment):
    """One old record that retention has removed of a topic does not excuse what is missing of today."""
    now = datetime.now(UTC)
    world = clean_world(deployment.prefix)
    for row in world.tables["dead_letter"]:
        row["first_seen_at"] = now - DAY
    for record in world.records:
        record.written = now - DAY
    _announcing_nothing(world, now)
    world.finish()
    await deployment.load(world)
    fullest = _fullest_partitions(world)
    for topic, partition in fullest.items():
        await _remove_before(deployment, topic, partition, 1)
    report = await deployment.audit()
    assert {c.code: (c.violations, c.not_checkable) for c in report.checks if c.violations} == {
        "dead-letter-not-announced": (1, 1),
        "slot-not-announced": (1, 1),
        "excess-not-announced": (1, 1),
        "completion-not-announced": (1, 2),
        "timeout-not-announced": (1, 1),
    }


async def test_what_retention_removes_during_an_audit_is_passed_over(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    """The log's start moves between the look and the read: the report is as if it had been there before."""
    world = clean_world(deployment.prefix).finish()
    await deployment.load(world, constrained=True)
    removed = [r for r in world.records if r.topic == SLOTS_TOPIC and r.offset == 0]
    read = KafkaLogs.read

    def reading(logs: KafkaLogs, ranges: Ranges) -> AsyncGenerator[LogBatch, None]:
        return _after_removal(read(logs, ranges), ranges)

    async def _after_removal(
        batches: AsyncGenerator[LogBatch, None], ranges: Ranges
    ) -> AsyncGenerator[LogBatch, None]:
        if any(p.topic.endswith(SLOTS_TOPIC) for p in ranges):
            for record in removed:
                await _remove_before(deployment, SLOTS_TOPIC, record.partition, 1)
        async for batch in batches:
            yield batch

    monkeypatch.setattr(KafkaLogs, "read", reading)
    report = await deployment.audit()
    assert told(report) == {}
    assert report.checks == (await deployment.audit()).checks
    assert report.not_checkable > 0
    (log,) = (log for log in report.logs if log.topic.endswith(SLOTS_TOPIC))
    assert log.no_longer_readable == len(removed)
