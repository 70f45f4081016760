"""A lane's publisher on the real outbox: nothing is forgotten before Kafka has it, nothing is guessed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiokafka.errors import KafkaError

from rollcall.errors import LanePositionError
from rollcall.outbox.lane_position import LanePosition
from rollcall.outbox.lane_session import LaneSession
from rollcall.outbox.publisher import LanePublisher
from rollcall.outbox.store import OutboxStore
from rollcall.settings import ServiceSettings
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS
from tests.eventually import DEADLINE_SECONDS, eventually
from tests.unit.model.broker import Broker
from tests.unit.model.lanes import (
    SETTINGS,
    TOPIC,
    in_place_of_kafka,
    lane_producer,
    lane_seqs,
    published,
    segment,
)

POSITION_TOPIC = Topology(TOPICS).lane_positions.name


@pytest.fixture
def broker() -> Iterator[Broker]:
    """Kafka's semantics in memory, which lose the request that a test chooses."""
    with in_place_of_kafka() as broker:
        broker.partitions = 1
        yield broker


async def append(connection: Any, *numbers: int) -> None:
    """Segments of lane 0 in the order in which their ids are drawn."""
    await OutboxStore().ensure_lanes(connection, 1)
    for number in numbers:
        await OutboxStore().append(connection, [(0, 2, segment(number).payload)])


async def publish_all(dsn: str) -> None:
    """Own the lane until nothing is left to publish.

    Raises:
        KafkaError, LanePositionError: what the publisher ended with.
    """
    changes = {"postgres_dsn": dsn, "database_schema": "els"}
    settings = ServiceSettings.model_validate(SETTINGS.model_dump() | changes)
    session = await LaneSession.open(settings)
    publisher = LanePublisher(settings, Topology(TOPICS), OutboxStore(), session, 0, Metrics())
    running = asyncio.create_task(publisher.run())
    idle = asyncio.create_task(publisher.wait_idle())
    try:
        await asyncio.wait({running, idle}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        for task in (running, idle):
            task.cancel()
        await asyncio.wait({running, idle})
        await session.close()


async def waiting_segments(connection: Any) -> int:
    """Rows of the outbox."""
    count: int = await connection.fetchval("SELECT count(*) FROM segment")
    return count


async def test_segments_are_published_in_the_order_of_their_ids(
    database: str, connection: Any, broker: Broker
):
    await append(connection, 3, 1, 2)
    await publish_all(database)
    (log,) = [log for target, log in broker.logs.items() if target.topic == TOPIC]
    assert [written.value[:1] for written in log] == [b"3", b"3", b"1", b"1", b"2", b"2"]


@pytest.mark.parametrize("lost", ["lose_request", "lose_answer"])
@pytest.mark.parametrize("number", range(1, 7))
async def test_whatever_request_is_lost_each_segment_is_published_once(
    database: str, connection: Any, broker: Broker, lost: str, number: int
):
    await append(connection, 1, 2, 3)
    setattr(broker, lost, number)
    with pytest.raises(KafkaError):
        await publish_all(database)
    assert await waiting_segments(connection) == 3
    await append(connection, 4)
    await publish_all(database)
    assert published(broker) == sorted(b"%d.%d" % (n, i) for n in (1, 2, 3, 4) for i in (0, 1))
    assert len(set(lane_seqs(broker))) == 8
    assert await waiting_segments(connection) == 0


@pytest.mark.parametrize(
    ("lost", "number"),
    [("lose_answer", 4), ("lose_answer", 5), ("lose_answer", 6), ("lose_request", 7)],
)
async def test_what_a_fenced_owner_left_is_not_committed_with_its_repetition(
    database: str, connection: Any, broker: Broker, lost: str, number: int
):
    """A broker that leaves out the markers of its abort: it happens where a partition has no leader."""
    await append(connection, 1, 2, 3)
    broker.partitions = 3
    setattr(broker, lost, number)
    with pytest.raises(KafkaError):
        await publish_all(database)
    broker.leave_out_markers = True
    await publish_all(database)
    assert not broker.leave_out_markers
    assert published(broker) == sorted(b"%d.%d" % (n, i) for n in (1, 2, 3) for i in (0, 1))
    assert len(set(lane_seqs(broker))) == 6


@pytest.mark.parametrize(
    ("in_kafka", "published_seq"), [(4, 0), (0, 1)], ids=["database_restored", "topic_lost"]
)
async def test_a_lane_whose_two_sides_contradict_each_other_publishes_nothing(
    database: str, connection: Any, broker: Broker, in_kafka: int, published_seq: int
):
    if in_kafka:
        former = lane_producer()
        await former.open()
        await former.publish([segment(seq) for seq in range(1, in_kafka + 1)])
    before = published(broker)
    await append(connection, 7, 8, 9)
    await connection.execute("UPDATE lane SET last_seq = 3, published_seq = $1", published_seq)
    with pytest.raises(LanePositionError):
        await publish_all(database)
    assert published(broker) == before
    assert await waiting_segments(connection) == 3


async def test_a_lane_has_a_position_before_it_gives_its_first_number(
    database: str, connection: Any, broker: Broker
) -> None:
    """So whoever takes it over knows: numbers without a position are a position that was lost."""
    await OutboxStore().ensure_lanes(connection, 1)
    await publish_all(database)
    (position,) = broker.committed(POSITION_TOPIC)
    assert LanePosition.decode(position.value) == LanePosition(0)


async def test_a_first_publication_is_not_repeated_when_its_position_is_lost_at_once(
    database: str, connection: Any, broker: Broker
) -> None:
    """The database numbered it, and does not know yet that it was published."""
    await append(connection, 1)
    broker.lose_answer = 6  # of the commit of the first publication
    with pytest.raises(KafkaError):
        await publish_all(database)
    assert published(broker) == [b"1.0", b"1.1"]
    for target in [target for target in broker.logs if target.topic == POSITION_TOPIC]:
        broker.logs[target].clear()
    with pytest.raises(LanePositionError, match="does not know the lane"):
        await publish_all(database)
    assert published(broker) == [b"1.0", b"1.1"]


async def test_the_position_that_readers_see_is_that_of_the_last_segment(
    database: str, connection: Any, broker: Broker
):
    await append(connection, 1, 2)
    await publish_all(database)
    *_, newest = broker.committed(POSITION_TOPIC)
    assert LanePosition.decode(newest.value) == LanePosition(2)


@contextlib.asynccontextmanager
async def publishing(database: str, **distances: float) -> AsyncIterator[LanePublisher]:
    """The publisher of lane 0, running."""
    changes = {"postgres_dsn": database, "database_schema": "els"}
    settings = ServiceSettings.model_validate(SETTINGS.model_dump() | changes)
    session = await LaneSession.open(settings)
    publisher = LanePublisher(
        settings, Topology(TOPICS), OutboxStore(), session, 0, Metrics(), **distances
    )
    running = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        running.cancel()
        await asyncio.wait({running})
        await session.close()


async def test_in_a_backlog_transactions_keep_their_distance_until_there_is_none(
    database: str, connection: Any, broker: Broker
) -> None:
    """Gathering ends with the first chunk behind which no other waits."""
    await append(connection, 1)
    async with publishing(database, distance_seconds=60) as publisher:
        await asyncio.wait_for(publisher.wait_idle(), DEADLINE_SECONDS)
        publisher.wake(more_follows=True)
        await append(connection, 2)
        publisher.wake(more_follows=True)
        assert await waiting_segments(connection) == 1
        publisher.wake(more_follows=False)
        await asyncio.wait_for(publisher.wait_idle(), DEADLINE_SECONDS)
        assert await waiting_segments(connection) == 0


async def test_two_transactions_of_a_lane_never_follow_each_other_at_once(
    database: str, connection: Any, broker: Broker
) -> None:
    """The first after a rest does not wait; what comes soon after it does, without a backlog, too."""
    await append(connection, 1)
    async with publishing(database, least_distance_seconds=2 * DEADLINE_SECONDS) as publisher:
        await eventually(lambda: published(broker), message="the first is published")
        await append(connection, 2)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(publisher.wait_idle(), 1)
        assert await waiting_segments(connection) == 2
