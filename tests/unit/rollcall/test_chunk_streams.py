"""Streams share partitions evenly, and no record is in two of them or out of order."""

import asyncio

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from rollcall.consumer import chunk_streams
from rollcall.consumer.chunk import Span
from rollcall.consumer.chunk_streams import ChunkStreams
from rollcall.consumer.records import InputRecord, Item, Partition, Skipped
from tests.clock import Clock
from tests.eventually import DEADLINE_SECONDS

assignments = st.sets(st.builds(Partition, st.sampled_from(["in", "also"]), st.integers(0, 30)))


def _items(partition: Partition, first: int, end: int) -> list[Item]:
    return [
        Skipped(InputRecord(partition, offset, None, b"x", (), 0), "T")
        for offset in range(first, end)
    ]


def _targets(partitions: set[Partition]) -> list[TopicPartition]:
    return [TopicPartition(*partition) for partition in sorted(partitions)]


def _fill(streams: ChunkStreams, partitions: set[Partition], count: int) -> None:
    items = {partition: _items(partition, 0, count) for partition in partitions}
    streams.add(items, {partition: Span(0, count) for partition in partitions}, generation=1)


@given(assignments.filter(bool), st.integers(1, 4))
def test_each_partition_is_in_one_stream_whole_and_in_order(
    assigned: set[Partition], count: int
) -> None:
    async def run() -> None:
        streams = ChunkStreams(count, 1000, 1_000_000)
        streams.share(assigned)
        _fill(streams, assigned, 3)
        found: dict[Partition, list[int]] = {}
        used = {}
        for stream in streams.numbers:
            if stream >= len({partition.number for partition in assigned}):
                continue
            chunk = await streams.take(stream)
            for item in chunk.items:
                found.setdefault(item.record.partition, []).append(item.record.offset)
            used[stream] = {partition.number for partition in chunk.spans}
        assert found == {partition: [0, 1, 2] for partition in assigned}
        shares = [len(numbers) for numbers in used.values()]
        assert max(shares) - min(shares) <= 1
        assert sum(shares) == len(set().union(*used.values()))

    asyncio.run(run())


async def test_a_full_stream_is_not_polled_while_the_other_has_room() -> None:
    streams = ChunkStreams(2, 10, 1_000_000)
    zero, one = Partition("in", 0), Partition("in", 1)
    streams.share({zero, one})
    _fill(streams, {zero}, 10)
    _fill(streams, {one}, 4)
    assert streams.with_room(_targets({zero, one})) == ([TopicPartition(*one)], 6)
    assert streams.has_backlog


async def test_a_poll_may_bring_no_more_than_the_fuller_stream_takes() -> None:
    streams = ChunkStreams(2, 10, 1_000_000)
    zero, one = Partition("in", 0), Partition("in", 1)
    streams.share({zero, one})
    _fill(streams, {zero}, 9)
    assert streams.with_room(_targets({zero, one})) == (_targets({zero, one}), 1)


async def test_without_room_the_first_chunk_taken_makes_some() -> None:
    """Also when the other stream has room, but no partition of this assignment."""
    streams = ChunkStreams(2, 3, 1_000_000)
    only = Partition("in", 7)
    streams.share({only})
    _fill(streams, {only}, 3)
    assert streams.with_room(_targets({only})) == ([], 0)
    waiting = asyncio.create_task(streams.wait_until_taken(10 * DEADLINE_SECONDS))
    await asyncio.sleep(0)
    assert not waiting.done()
    await streams.take(0)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await waiting
    assert streams.with_room(_targets({only})) == (_targets({only}), 3)


async def test_a_stream_rests_as_long_as_its_chunk_took_unless_the_next_one_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rest of an hour, which nothing but the next chunk can end while the test waits."""
    monkeypatch.setattr(chunk_streams, "_LONGEST_REST_SECONDS", 3600.0)
    clock = Clock(1000.0)
    streams = ChunkStreams(1, 10, 1_000_000, clock)
    partition = Partition("in", 0)
    await _take_and_finish(streams, partition, clock, took_seconds=3600.0)

    streams.add({partition: _items(partition, 2, 5)}, {partition: Span(2, 5)}, generation=1)
    resting = asyncio.create_task(streams.take(0))
    await _let_others_run()
    assert not resting.done()

    streams.add({partition: _items(partition, 5, 12)}, {partition: Span(5, 12)}, generation=1)
    chunk = await asyncio.wait_for(resting, DEADLINE_SECONDS)
    assert len(chunk.items) == 10


@pytest.mark.parametrize(("took_seconds", "rest_seconds"), [(0.03, 0.03), (60.0, 0.05)])
async def test_a_rest_ends(took_seconds: float, rest_seconds: float) -> None:
    """However long the chunk took, it is no longer than the time in which nobody would notice."""
    clock = Clock(1000.0)
    streams = ChunkStreams(1, 10, 1_000_000, clock)
    partition = Partition("in", 0)
    await _take_and_finish(streams, partition, clock, took_seconds)
    clock.seconds += rest_seconds

    streams.add({partition: _items(partition, 2, 5)}, {partition: Span(2, 5)}, generation=1)
    after_the_rest = asyncio.create_task(streams.take(0))
    await _let_others_run()
    assert after_the_rest.done()


async def test_after_a_chunk_of_many_records_there_is_no_rest() -> None:
    """What it cost was its records: waiting for more of them saves nothing."""
    streams = ChunkStreams(1, 1000, 1_000_000, clock := Clock(1000.0))
    partition = Partition("in", 0)
    _fill(streams, {partition}, 51)
    await streams.take(0)
    clock.seconds += 0.03
    streams.rest(0)

    streams.add({partition: _items(partition, 51, 52)}, {partition: Span(51, 52)}, generation=1)
    next_one = asyncio.create_task(streams.take(0))
    await _let_others_run()
    assert next_one.done()


async def _take_and_finish(
    streams: ChunkStreams, partition: Partition, clock: Clock, took_seconds: float
) -> None:
    """A chunk of offsets 0 and 1."""
    _fill(streams, {partition}, 2)
    await streams.take(0)
    clock.seconds += took_seconds
    streams.rest(0)


async def _let_others_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
