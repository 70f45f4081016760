"""Streams of chunks that are worked on side by side, each of partitions of its own."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from aiokafka import TopicPartition

from rollcall.consumer.chunk import Chunk, Span
from rollcall.consumer.chunk_buffer import ChunkBuffer
from rollcall.consumer.records import Item, Partition

# However slow the database is, a latency grows by no more than this.
_LONGEST_REST_SECONDS = 0.05
# Of a chunk of so many records most of the cost is the chunk's own (the model in scaling.md), and one
# instead of two saves nearly half. Not FEW_RECORDS: that is about what the planner takes an array for.
_SMALL_RECORDS = 50


class ChunkStreams:
    """One buffer for each stream. A partition belongs to one stream as long as an assignment lasts.

    While one stream waits for the database, another one computes. Partitions of the same number
    share a stream, so that a batch's registration and contents, keyed by it, stay together.

    Args:
        count: how many streams.
        max_records: most records of a chunk.
        max_bytes: see `ChunkBuffer`.
        clock: seconds.
    """

    def __init__(
        self,
        count: int,
        max_records: int,
        max_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._buffers = [ChunkBuffer(max_records, max_bytes, clock) for _ in range(count)]
        self._clock = clock
        self._taken_at = [0.0] * count
        self._resting_until = [0.0] * count
        self._is_small = [False] * count
        self._stream_of_number: dict[int, int] = {}
        self._taken = asyncio.Event()

    @property
    def numbers(self) -> range:
        """The streams."""
        return range(len(self._buffers))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to take from any stream."""
        return all(buffer.is_empty for buffer in self._buffers)

    @property
    def has_backlog(self) -> bool:
        """Whether a whole chunk waits in one of the streams."""
        return any(buffer.is_full for buffer in self._buffers)

    def share(self, partitions: Iterable[Partition]) -> None:
        """Spread the partitions of a new assignment evenly over the streams."""
        numbers = sorted({partition.number for partition in partitions})
        self._stream_of_number = {n: i % len(self._buffers) for i, n in enumerate(numbers)}

    async def wait_until_taken(self, timeout_seconds: float) -> None:
        """Return once a chunk was taken since the last call of `with_room`, or after the timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._taken.wait()

    def with_room(self, targets: Sequence[TopicPartition]) -> tuple[list[TopicPartition], int]:
        """Those that can take a poll, and how many records it may bring whichever they come from."""
        self._taken.clear()
        rooms = [self._buffers[self._stream(target.partition)].room for target in targets]
        found = [target for target, room in zip(targets, rooms, strict=True) if room > 0]
        return found, min((room for room in rooms if room > 0), default=0)

    def add(
        self,
        items: Mapping[Partition, Sequence[Item]],
        spans: Mapping[Partition, Span],
        generation: int,
    ) -> None:
        """Join what was polled to the next chunks."""
        for stream, buffer in enumerate(self._buffers):
            mine = {p: span for p, span in spans.items() if self._stream(p.number) == stream}
            if mine:
                found = [item for p in mine for item in items.get(p, ())]
                buffer.add(Chunk(found, mine, generation))

    async def take(self, stream: int) -> Chunk:
        """Wait for the stream's next chunk and remove it: a full one at once, any other after the rest."""
        chunk = await self._buffers[stream].take(not_before=self._resting_until[stream])
        self._taken_at[stream] = self._clock()
        self._is_small[stream] = len(chunk.items) <= _SMALL_RECORDS
        self._taken.set()
        return chunk

    def rest(self, stream: int) -> None:
        """The chunk that was taken is done: if it was small, pause as long as it took, 50 ms at most.

        A small chunk costs most of it beside its records. Where processors are short, chunks take
        longer, and so do the rests: the next ones are larger instead of more.
        """
        if not self._is_small[stream]:
            return
        now = self._clock()
        took_seconds = now - self._taken_at[stream]
        self._resting_until[stream] = now + min(took_seconds, _LONGEST_REST_SECONDS)

    def _stream(self, number: int) -> int:
        return self._stream_of_number.get(number, 0)
