"""What a chunk's transaction asks of a filter that knows records which were handled before."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

from rollcall.consumer.chunk import Chunk
from rollcall.consumer.records import Received, Rejected


class LookUp(Protocol):
    """What is known of the records of one chunk."""

    async def unhandled(
        self, received: Sequence[Received[Any]], connection: Any
    ) -> list[Received[Any]]:
        """Leave out what this very database has handled; inside the chunk's transaction."""

    def committed(self, rejected: Collection[Rejected]) -> None:
        """The chunk is committed, but for the effects of these records. Does not wait for anything."""


class KnownRecords(Protocol):
    """A filter. It may forget and be away at any time; it must never raise nor wait for long."""

    async def look_up(self, chunk: Chunk) -> LookUp:
        """Find what is known, before the chunk's transaction."""

    async def close(self) -> None:
        """Close what is open."""
