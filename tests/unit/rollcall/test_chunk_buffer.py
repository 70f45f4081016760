"""Polls join into chunks without gap, overlap or loss of order, and within bounds."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.consumer.chunk import Chunk, Span
from rollcall.consumer.chunk_buffer import ChunkBuffer
from rollcall.consumer.records import InputRecord, Partition, Skipped

A, B = Partition("in", 0), Partition("in", 1)


def _poll(spans: dict[Partition, tuple[int, int]], generation: int = 1, size: int = 1) -> Chunk:
    """A poll of every offset of each span."""
    return Chunk(
        [
            Skipped(InputRecord(partition, offset, None, b"x" * size, (), 0), "T")
            for partition, (first, end) in spans.items()
            for offset in range(first, end)
        ],
        {partition: Span(*span) for partition, span in spans.items()},
        generation,
    )


def _places(chunk: Chunk) -> list[tuple[Partition, int]]:
    return [(item.record.partition, item.record.offset) for item in chunk.items]


async def test_polls_join_partition_by_partition() -> None:
    buffer = ChunkBuffer(100, 1000)
    buffer.add(_poll({A: (0, 2), B: (5, 6)}))
    buffer.add(_poll({A: (2, 3)}))
    chunk = await buffer.take()
    assert _places(chunk) == [(A, 0), (A, 1), (A, 2), (B, 5)]
    assert chunk.spans == {A: Span(0, 3), B: Span(5, 6)}


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 4)), max_size=12))
def test_every_offset_is_in_one_chunk_in_order(polls: list[tuple[Partition, int]]) -> None:
    async def run() -> None:
        buffer = ChunkBuffer(5, 1000)
        reached = {A: 0, B: 0}
        taken: list[Chunk] = []
        for partition, wanted in polls:
            if buffer.room <= 0:
                taken.append(await buffer.take())
            count = min(wanted, buffer.room)
            buffer.add(_poll({partition: (reached[partition], reached[partition] + count)}))
            reached[partition] += count
        if polls:
            taken.append(await buffer.take())
        for partition in (A, B):
            offsets = [
                item.record.offset
                for chunk in taken
                for item in chunk.items
                if item.record.partition == partition
            ]
            assert offsets == list(range(reached[partition]))
        assert all(len(chunk.items) <= 5 for chunk in taken)

    asyncio.run(run())


async def test_what_was_read_under_an_older_assignment_is_dropped() -> None:
    buffer = ChunkBuffer(100, 1000)
    buffer.add(_poll({A: (0, 2)}, generation=1))
    buffer.add(_poll({A: (1, 3)}, generation=2))
    chunk = await buffer.take()
    assert (chunk.generation, chunk.spans) == (2, {A: Span(1, 3)})


async def test_a_gap_between_polls_is_refused() -> None:
    buffer = ChunkBuffer(100, 1000)
    buffer.add(_poll({A: (0, 2)}))
    with pytest.raises(ValueError, match="a poll from 3"):
        buffer.add(_poll({A: (3, 4)}))


@pytest.mark.parametrize(("max_records", "max_bytes"), [(2, 1000), (100, 10)])
async def test_a_full_chunk_takes_no_further_poll_until_it_is_taken(
    max_records: int, max_bytes: int
) -> None:
    buffer = ChunkBuffer(max_records, max_bytes)
    buffer.add(_poll({A: (0, 2)}, size=5))
    assert buffer.room <= 0
    await buffer.take()
    assert buffer.room == max_records
