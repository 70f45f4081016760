"""Segments and lanes in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rollcall.database.queries import load_queries

_QUERIES = (
    "append",
    "create_lanes",
    "count_lanes",
    "lane_range",
    "last_numbers",
    "numbered",
    "waiting",
    "take_next",
)


@dataclass(slots=True, frozen=True)
class StoredSegment:
    """A segment with its place in the lane."""

    seq: int
    payload: bytes


@dataclass(slots=True, frozen=True)
class LaneRange:
    """Sequence numbers of a lane: the newest given, and the newest known to be in Kafka."""

    last_seq: int
    published_seq: int


class OutboxStore:
    """The statements of the outbox; each method runs on the connection it is given."""

    def __init__(self) -> None:
        (
            self._append,
            self._create_lanes,
            self._count_lanes,
            self._lane_range,
            self._last_numbers,
            self._numbered,
            self._waiting,
            self._take_next,
        ) = load_queries("rollcall.outbox", "outbox.sql", *_QUERIES)

    async def append(self, connection: Any, segments: Sequence[tuple[int, int, bytes]]) -> None:
        """Insert segments, each (lane, number of events, payload), in the open transaction."""
        await connection.execute(self._append, *map(list, zip(*segments, strict=True)))

    async def ensure_lanes(self, connection: Any, lanes: int) -> int:
        """Create the lanes on first use; returns how many the deployment has."""
        await connection.execute(self._create_lanes, lanes)
        count: int = await connection.fetchval(self._count_lanes)
        return count

    async def lane_range(self, connection: Any, lane: int) -> LaneRange:
        """What the database knows of a lane."""
        row = await connection.fetchrow(self._lane_range, lane)
        return LaneRange(row["last_seq"], row["published_seq"])

    async def last_numbers(self, connection: Any) -> dict[int, int]:
        """The newest sequence number given in each lane."""
        rows = await connection.fetch(self._last_numbers)
        return {row["lane"]: row["last_seq"] for row in rows}

    async def numbered_after(
        self, connection: Any, lane: int, seq: int, limit: int
    ) -> list[StoredSegment]:
        """Segments numbered above `seq`, oldest first."""
        rows = await connection.fetch(self._numbered, lane, seq, limit)
        return [StoredSegment(row["seq"], row["payload"]) for row in rows]

    async def waiting(self, connection: Any, lanes: Sequence[int]) -> list[int]:
        """Those of `lanes` that have segments to be numbered."""
        rows = await connection.fetch(self._waiting, lanes)
        return [row["lane"] for row in rows]

    async def take_next(
        self, connection: Any, lane: int, published_seq: int, limit: int
    ) -> list[StoredSegment]:
        """Forget segments up to `published_seq`, number the next ones and return them in order."""
        rows = await connection.fetch(self._take_next, lane, published_seq, limit)
        return sorted(
            (StoredSegment(row["seq"], row["payload"]) for row in rows),
            key=lambda segment: segment.seq,
        )
