"""A segment that cannot be published holds up its lane alone, visibly, and goes out once it can."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import structlog.testing
from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)

from rollcall.errors import LaneLostError, RollcallError
from rollcall.outbox import owned_lane
from rollcall.outbox.lane_session import LaneSession
from rollcall.outbox.owned_lane import OwnedLane
from rollcall.outbox.publisher import LanePublisher
from rollcall.outbox.refusals import is_permanent, remedy
from rollcall.outbox.store import OutboxStore
from rollcall.settings import ServiceSettings
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS
from tests.eventually import DEADLINE_SECONDS, eventually
from tests.unit.model.broker import Broker
from tests.unit.model.lanes import SETTINGS, in_place_of_kafka, lane_seqs, published, segment

BROKEN = b"\x09 of a later release"


@pytest.fixture
def broker() -> Iterator[Broker]:
    """Kafka's semantics in memory."""
    with in_place_of_kafka() as broker:
        broker.partitions = 1
        yield broker


async def append(connection: Any, *payloads: bytes) -> None:
    """Segments of lane 0."""
    await OutboxStore().ensure_lanes(connection, 1)
    for payload in payloads:
        await OutboxStore().append(connection, [(0, 2, payload)])


@asynccontextmanager
async def locked(dsn: str, attempts: list[int] | None = None) -> AsyncIterator[OwnedLane]:
    """Lane 0 as its owner has it, before it publishes; each attempt is noted."""
    changes = {"postgres_dsn": dsn, "database_schema": "els"}
    settings = ServiceSettings.model_validate(SETTINGS.model_dump() | changes)
    session = await LaneSession.open(settings)
    make = partial(LanePublisher, settings, Topology(TOPICS), OutboxStore(), session, 0, Metrics())

    def make_publisher(one_by_one_until: int) -> LanePublisher:
        if attempts is not None:
            attempts.append(one_by_one_until)
        return make(one_by_one_until)

    try:
        yield OwnedLane(0, make_publisher)
    finally:
        await session.close()


@asynccontextmanager
async def owned(dsn: str, attempts: list[int] | None = None) -> AsyncIterator[OwnedLane]:
    """Lane 0, published as by its owner, each of whose attempts is noted."""
    async with locked(dsn, attempts) as lane:
        running = asyncio.create_task(lane.run())
        try:
            yield lane
        finally:
            running.cancel()
            await asyncio.wait({running})


async def test_what_precedes_a_broken_segment_goes_out_and_nothing_overtakes_it(
    database: str, connection: Any, broker: Broker
):
    await append(connection, segment(1).payload, BROKEN, segment(3).payload)
    with structlog.testing.capture_logs() as logs:
        async with owned(database) as lane:
            problem = await eventually(lambda: lane.problem)
            # A stop does not wait for it.
            await asyncio.wait_for(lane.wait_idle(), DEADLINE_SECONDS)
    assert problem.startswith("lane 0 refused: segment 0:2 cannot be published: RollcallError(")
    assert "run that release" in problem
    assert published(broker) == [b"1.0", b"1.1"]
    (told,) = [line for line in logs if line["event"] == "lane_refused"]
    assert (told["log_level"], told["lane"], told["segment"]) == ("critical", 0, 2)


async def test_a_refused_segment_is_tried_again_and_again_and_never_overtaken(
    database: str, connection: Any, broker: Broker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(owned_lane, "_FIRST_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(owned_lane, "_RETRY_CAP_SECONDS", 0.01)
    await append(connection, BROKEN, segment(2).payload, segment(3).payload)
    attempts: list[int] = []
    async with owned(database, attempts):
        await eventually(lambda: len(attempts) > 6 or published(broker))
    assert published(broker) == []


async def test_once_the_cause_is_gone_the_lane_goes_on_by_itself_each_segment_once(
    database: str, connection: Any, broker: Broker
):
    await append(connection, segment(1).payload, BROKEN, segment(3).payload)
    async with owned(database) as lane:
        await eventually(lambda: lane.problem)
        await connection.execute(
            "UPDATE segment SET payload = $1 WHERE seq = 2", segment(2).payload
        )
        await eventually(lambda: lane.problem is None)
        await lane.wait_idle()
    assert published(broker) == sorted(b"%d.%d" % (n, i) for n in (1, 2, 3) for i in (0, 1))
    assert len(set(lane_seqs(broker))) == 6
    assert await connection.fetchval("SELECT count(*) FROM segment") == 0


async def test_a_contradicting_position_is_a_problem_for_as_long_as_it_lasts(
    database: str, connection: Any, broker: Broker
):
    await append(connection, segment(1).payload)
    await connection.execute("UPDATE lane SET last_seq = 3, published_seq = 3")
    async with owned(database) as lane:
        problem = await eventually(lambda: lane.problem)
        assert "the topic was lost or recreated" in problem
        assert published(broker) == []


@pytest.mark.parametrize("late", [TimeoutError, KafkaTimeoutError])
async def test_segments_that_are_too_many_for_a_slow_broker_go_out_one_by_one(
    database: str, connection: Any, broker: Broker, late: type[Exception]
):
    await append(connection, *(segment(number).payload for number in range(1, 6)))
    broker.lost_as, broker.most_records = late, 3  # of one segment, and the position
    attempts: list[int] = []
    async with owned(database, attempts) as lane:
        await eventually(lambda: len(published(broker)) == 10, message="all are published")
        assert lane.problem is None
    assert attempts == [0, 5]
    assert len(set(lane_seqs(broker))) == 10


@pytest.mark.parametrize("lost", ["lose_request", "lose_answer"])
@pytest.mark.parametrize("number", [4, 5, 6], ids=["records", "position", "commit"])
async def test_whether_late_segments_were_published_is_asked_of_kafka(
    database: str, connection: Any, broker: Broker, lost: str, number: int
):
    await append(connection, segment(1).payload, segment(2).payload)
    broker.lost_as = TimeoutError
    setattr(broker, lost, number)
    attempts: list[int] = []
    async with owned(database, attempts):
        await eventually(lambda: len(attempts) == 2 and len(published(broker)) >= 4)
        await append(connection, segment(3).payload)
        await eventually(lambda: b"3.1" in published(broker))
    assert published(broker) == sorted(b"%d.%d" % (n, i) for n in (1, 2, 3) for i in (0, 1))
    assert len(set(lane_seqs(broker))) == 6


async def test_a_lane_whose_single_segment_is_late_is_taken_over_anew(
    database: str, connection: Any, broker: Broker
):
    await append(connection, segment(1).payload)
    broker.lost_as, broker.most_records = partial(TimeoutError, "late"), 2
    async with locked(database) as lane:
        with pytest.raises(TimeoutError, match="late"):
            await asyncio.wait_for(lane.run(), DEADLINE_SECONDS)


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (MessageSizeTooLargeError(), True),
        (TopicAuthorizationFailedError(), True),
        (RollcallError("format"), True),
        (KeyError("topic"), True),
        (KafkaError(), False),
        (LaneLostError(), False),
        (ConnectionResetError(), False),
        (TimeoutError(), False),
    ],
)
def test_only_what_speaks_of_the_segment_or_its_topics_is_permanent(
    error: Exception, permanent: bool
):
    assert is_permanent(error) is permanent
    assert remedy(error)
