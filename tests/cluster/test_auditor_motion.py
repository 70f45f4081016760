"""The auditor and deployments that move: waiting for rest, transactions."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer

from rollcall_cluster.auditor import AuditOptions, AuditReport, NotAtRestError, Outcome, verify
from rollcall_cluster.embedded import EmbeddedServers
from tests.unit.auditor.clean import FULL, OPEN, clean_world
from tests.unit.auditor.deployment import AT_ONCE, CONTENT_TOPIC, SLOTS_TOPIC, Deployment, told
from tests.unit.auditor.events import assigned, content, registration
from tests.unit.auditor.world import World, encoded

PATIENT = AuditOptions(wait_seconds=60)


@pytest.fixture
def deployment(servers: EmbeddedServers, database: str, topic_prefix: str) -> Deployment:
    """An empty deployment of this test's own."""
    return Deployment(servers.kafka.address, database, topic_prefix)


class Looks:
    """Lets a test act between two looks of an audit that waits for rest."""

    def __init__(self) -> None:
        self.looked = asyncio.Event()

    def begin(self, stage: str, total: int | None) -> None:
        """Nothing to do."""

    def advance(self, steps: int) -> None:
        """A look was taken, and rest not found."""
        self.looked.set()


async def _with_segment(deployment: Deployment, world: World) -> None:
    world.tables["segment"].append({"lane": 0, "event_count": 1, "payload": b"x"})
    await deployment.load(world)


async def _audit_while_moving(
    deployment: Deployment, *statements: str, options: AuditOptions = PATIENT
) -> AuditReport:
    """Audit; execute statements when the audit has seen the deployment in motion."""
    looks = Looks()
    audit = asyncio.create_task(verify(deployment.target, options, looks))
    waiting = asyncio.create_task(looks.looked.wait())
    await asyncio.wait({audit, waiting}, return_when=asyncio.FIRST_COMPLETED)
    for statement in statements:
        await deployment.execute(statement)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    return await audit


async def test_rest_is_awaited(deployment: Deployment):
    """A segment that is published in time is no violation."""
    await _with_segment(deployment, clean_world(deployment.prefix).finish())
    report = await _audit_while_moving(deployment, "DELETE FROM segment")
    assert told(report) == {}
    assert report.at_rest


async def test_a_position_that_moves_back_is_found(deployment: Deployment):
    """Two looks of one audit are enough to see it."""
    await _with_segment(deployment, clean_world(deployment.prefix).finish())
    report = await _audit_while_moving(
        deployment,
        f"UPDATE position SET next_offset = next_offset - 1 WHERE topic LIKE '%{CONTENT_TOPIC}'",
        "DELETE FROM segment",
        options=AuditOptions(wait_seconds=1),
    )
    assert "position-moved-back" in report.violated_codes


async def test_rest_can_be_required(deployment: Deployment):
    """Then motion is no violation, but reason not to judge."""
    await _with_segment(deployment, clean_world(deployment.prefix).finish())
    with pytest.raises(NotAtRestError, match=r"1 segments \(1 events\)"):
        await deployment.audit(replace(AT_ONCE, require_rest=True))


async def test_without_waiting_motion_is_no_violation(deployment: Deployment):
    """What is queued may be missing from the output; what is repeated there is still wrong."""
    world = clean_world(deployment.prefix)
    slot = world.row("slot", batch_id=OPEN, text_storage_id="seven")
    world.announce(assigned(slot), "seven")
    world.drop(SLOTS_TOPIC)
    world.finish()
    world.take_in(content(OPEN, "not handled yet"))
    await _with_segment(deployment, world)
    report = await deployment.audit(AuditOptions(wait=False))
    assert report.violated_codes == {"slot-announced-twice"}
    assert not report.at_rest
    missing = next(check for check in report.checks if check.code == "slot-not-announced")
    assert (missing.outcome, missing.not_checkable) == (Outcome.HOLDS, 1)
    assert {check.code for check in report.checks if check.skipped} == {
        "position-behind",
        "segments-left",
        "lane-numbers-lost",
    }


async def _transact(producer: AIOKafkaProducer, topic: str, value: bytes, commit: bool) -> None:
    await producer.begin_transaction()
    await producer.send_and_wait(topic, value, key=b"any", partition=1)
    if commit:
        await producer.commit_transaction()
    else:
        await producer.abort_transaction()


async def test_aborted_records_do_not_count(deployment: Deployment):
    """Neither as input that waits, nor as output that nothing accounts for."""
    await deployment.load(clean_world(deployment.prefix).finish(), constrained=True)
    value = encoded(content(OPEN, "aborted"))
    async with deployment.producer(transactional_id=f"{deployment.prefix}test") as producer:
        for topic in (CONTENT_TOPIC, SLOTS_TOPIC):
            await _transact(producer, deployment.prefix + topic, value, commit=False)
    report = await deployment.audit()
    assert told(report) == {}
    assert report.at_rest


class Ending:
    """Commits a transaction once an audit waits for it."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self.commit: asyncio.Task[None] | None = None

    def begin(self, stage: str, total: int | None) -> None:
        """Commit when the audit has come so far."""
        if stage == "transactions that are ending" and self.commit is None:
            self.commit = asyncio.create_task(self._producer.commit_transaction())

    def advance(self, steps: int) -> None:
        """Nothing to do."""


async def test_a_transaction_that_is_just_ending_is_read(deployment: Deployment):
    """The relay knows of its commit, and forgets the segments, before readers can see the records."""
    await deployment.load(clean_world(deployment.prefix).finish(), constrained=True)
    async with deployment.producer(transactional_id=f"{deployment.prefix}test") as producer:
        await producer.begin_transaction()
        topic = deployment.prefix + SLOTS_TOPIC
        await producer.send_and_wait(topic, b"not an event", key=b"any", partition=1)
        ending = Ending(producer)
        report = await verify(deployment.target, AT_ONCE, ending)
        assert ending.commit is not None
        await ending.commit
    assert not report.ok, "the record was not read"


async def test_a_position_before_the_markers_of_a_transaction_is_at_the_end(
    deployment: Deployment,
):
    """The last offset of a transactional log is no record."""
    world = clean_world(deployment.prefix)
    await deployment.load(world.finish(), constrained=True)
    value = encoded(registration(FULL, 3))
    topic = f"{deployment.prefix}batch.essays.registered.v1"
    async with deployment.producer(transactional_id=f"{deployment.prefix}test") as producer:
        await _transact(producer, topic, value, commit=True)
    report = await deployment.audit()
    assert report.violated_codes == {"position-behind"}
    await deployment.execute("INSERT INTO position VALUES ('audited', $1, 1, 1)", topic)
    report = await deployment.audit()
    assert told(report) == {}
    assert report.at_rest
