"""Between fetching and working: polls join into the next chunk while the present one is worked on."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from rollcall.consumer.chunk import Chunk, Span
from rollcall.consumer.records import Item, Partition


class ChunkBuffer:
    """The next chunk, growing until it is taken: small when idle, large when there is a backlog.

    Args:
        max_records: most records of a chunk.
        max_bytes: it takes no further poll once the values of its records are as large together.
        clock: seconds.
    """

    def __init__(
        self, max_records: int, max_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._clock = clock
        self._filled = asyncio.Event()
        self._complete = asyncio.Event()
        self._start(0)

    @property
    def room(self) -> int:
        """How many records the next poll may bring."""
        return self._max_records - self._records if self._bytes < self._max_bytes else 0

    @property
    def is_full(self) -> bool:
        """Whether a whole chunk waits."""
        return self.room <= 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to take."""
        return not self._filled.is_set()

    def add(self, polled: Chunk) -> None:
        """Join a poll to the chunk; what was read under an older assignment is dropped for it.

        Raises:
            ValueError: the poll does not begin where the former one ended.
        """
        if polled.generation != self._generation:
            self._start(polled.generation)
        for partition, span in polled.spans.items():
            before = self._spans.setdefault(partition, Span(span.expected, span.expected))
            if before.next != span.expected:
                raise ValueError(f"{partition}: a poll from {span.expected} after {before}")
            self._spans[partition] = Span(before.expected, span.next)
        for item in polled.items:
            self._items.setdefault(item.record.partition, []).append(item)
            self._bytes += len(item.record.value or b"")
        self._records += len(polled.items)
        self._filled.set()
        if self.is_full:
            self._complete.set()

    async def take(self, not_before: float = 0.0) -> Chunk:
        """Wait for records and remove them all, partition by partition.

        Args:
            not_before: by the clock; a chunk that is full is given earlier.
        """
        await self._filled.wait()
        wait_seconds = not_before - self._clock()
        if wait_seconds > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._complete.wait()
        items = [item for partition in self._items.values() for item in partition]
        chunk = Chunk(items, self._spans, self._generation)
        self._filled.clear()
        self._start(self._generation)
        return chunk

    def _start(self, generation: int) -> None:
        self._complete.clear()
        self._generation = generation
        self._items: dict[Partition, list[Item]] = {}
        self._spans: dict[Partition, Span] = {}
        self._records = 0
        self._bytes = 0
