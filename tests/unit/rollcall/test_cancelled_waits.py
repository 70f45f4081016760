"""A task that is cancelled in the same moment as what it waits for comes ends all the same."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack
from functools import partial
from typing import Any, cast

import pytest
import pytest_asyncio

from rollcall.consumer.chunk import Chunk, Span
from rollcall.consumer.chunk_buffer import ChunkBuffer
from rollcall.consumer.chunk_streams import ChunkStreams
from rollcall.consumer.consumer import Consumer
from rollcall.consumer.processor import ChunkProcessor
from rollcall.consumer.records import InputRecord, Partition, Skipped
from rollcall.database.pool import Database
from rollcall.operations.turns import Turns
from rollcall.outbox.lane_session import LaneSession
from rollcall.outbox.publisher import LanePublisher
from rollcall.outbox.store import OutboxStore
from rollcall.settings import ServiceSettings
from rollcall.supervision import Supervisor
from rollcall.telemetry.health import Progress
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS
from tests.eventually import DEADLINE_SECONDS

_ONLY = Partition("in", 0)


def _chunk(first: int, end: int) -> Chunk:
    items = [
        Skipped(InputRecord(_ONLY, offset, None, b"x", (), 0), "T") for offset in range(first, end)
    ]
    return Chunk(items, {_ONLY: Span(first, end)}, 1)


def _settings() -> ServiceSettings:
    return ServiceSettings.model_validate({"postgres_dsn": "postgresql://localhost:1/none"})


@pytest_asyncio.fixture
async def publisher() -> AsyncIterator[LanePublisher]:
    """Of a lane that nobody has taken over."""
    topology, no_session = Topology(TOPICS), cast("LaneSession", None)
    publisher = LanePublisher(_settings(), topology, OutboxStore(), no_session, 0, Metrics())
    yield publisher
    await publisher._producer.close()


@pytest_asyncio.fixture
async def consumer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Consumer]:
    """It is not started: its group gives it nothing, and there is no client to poll."""
    monkeypatch.setattr("rollcall.consumer.consumer.poll_nothing", lambda _: None)
    settings, metrics = _settings(), Metrics()
    database, topology = Database(settings), Topology(TOPICS)
    processor = ChunkProcessor(settings, topology, database, [], metrics, lambda lanes: None, 1)
    consumer = Consumer(settings, database, processor, {}, Progress(60), metrics, Supervisor())
    yield consumer
    await consumer.close()


async def _let_others_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def _is_cancelled(waiting: Coroutine[Any, Any, object], wake: Callable[[], object]) -> bool:
    task = asyncio.create_task(waiting)
    await _let_others_run()
    assert not task.done()
    wake()
    task.cancel()
    await asyncio.wait([task], timeout=DEADLINE_SECONDS)
    return task.cancelled()


async def test_whoever_waits_for_a_full_chunk() -> None:
    buffer = ChunkBuffer(2, 1000)
    buffer.add(_chunk(0, 1))
    taking = buffer.take(not_before=float("inf"))
    assert await _is_cancelled(taking, partial(buffer.add, _chunk(1, 2)))


async def test_whoever_waits_until_a_chunk_is_taken() -> None:
    streams = ChunkStreams(1, 10, 1000)
    waiting = streams.wait_until_taken(DEADLINE_SECONDS)
    assert await _is_cancelled(waiting, streams._taken.set)


async def test_whoever_waits_for_partitions(consumer: Consumer) -> None:
    assert await _is_cancelled(consumer._fetch(), consumer.ownership.changed.set)


async def test_whoever_waits_for_the_chunks_of_a_former_assignment(consumer: Consumer) -> None:
    """A consumer that stops cancels its fetching as soon as these chunks are finished."""
    consumer.ownership.assigned = frozenset({_ONLY})
    with ExitStack() as chunk:
        chunk.enter_context(consumer.ownership.at_work())
        assert await _is_cancelled(consumer._fetch(), chunk.close)


async def test_whoever_waits_for_segments(publisher: LanePublisher) -> None:
    assert await _is_cancelled(publisher._wait(), publisher.look)


async def test_whoever_gathers_segments(publisher: LanePublisher) -> None:
    publisher.wake(more_follows=True)
    publisher._began = float("inf")
    assert await _is_cancelled(publisher._gather(), publisher.wake)


async def test_whoever_waits_for_a_turn_leaves_it_to_the_next() -> None:
    turns = Turns()

    async def take_turn() -> None:
        async with turns.next():
            pass

    under_way = turns.next()
    await under_way.__aenter__()
    waiting = asyncio.create_task(take_turn())
    await _let_others_run()
    await under_way.__aexit__(None, None, None)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await take_turn()
