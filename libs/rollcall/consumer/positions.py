"""Positions in PostgreSQL: the next offset of each partition, and the fence of every chunk."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from rollcall.consumer.chunk import Span
from rollcall.consumer.records import Partition
from rollcall.database.queries import load_queries
from rollcall.errors import PositionConflictError

_REMEDY = "decide with `rollcall position reset`"


@dataclass(slots=True, frozen=True)
class LogRange:
    """What a partition's log holds now: offsets from `start` up to `end`, exclusive."""

    start: int
    end: int


@dataclass(slots=True, frozen=True)
class Refusal:
    """Why a partition is not consumed until an operator has decided."""

    partition: Partition
    reason: str


def check_position(partition: Partition, position: int, log: LogRange) -> Refusal | None:
    """Refuse a position that the log cannot continue from; pure."""
    if position < log.start:
        return Refusal(
            partition,
            f"position {position} is below the start of the log ({log.start}): records were removed"
            f" before they were handled; {_REMEDY}",
        )
    if position > log.end:
        return Refusal(
            partition,
            f"position {position} is beyond the end of the log ({log.end}): the topic was recreated"
            f" or truncated; {_REMEDY}",
        )
    return None


class PositionStore:
    """Reads and moves the positions of one consumer group."""

    def __init__(self, consumer_group: str) -> None:
        self._group = consumer_group
        self._compare_and_set, self._read, self._open = load_queries(
            "rollcall.consumer", "positions.sql", "compare_and_set", "read", "open"
        )

    async def compare_and_set(self, connection: Any, spans: Mapping[Partition, Span]) -> None:
        """Move every position of `spans` in the open transaction of `connection`.

        Raises:
            PositionConflictError: at least one position was not where this instance believed.
        """
        partitions = sorted(spans)
        moved = await connection.fetch(
            self._compare_and_set,
            self._group,
            [partition.topic for partition in partitions],
            [partition.number for partition in partitions],
            [spans[partition].expected for partition in partitions],
            [spans[partition].next for partition in partitions],
        )
        if len(moved) != len(partitions):
            kept = {Partition(row["topic"], row["partition"]) for row in moved}
            lost = ", ".join(
                f"{p} expected {spans[p].expected}" for p in partitions if p not in kept
            )
            raise PositionConflictError(f"positions were moved by another instance: {lost}")

    async def read(
        self, connection: Any, partitions: Collection[Partition]
    ) -> dict[Partition, int]:
        """Positions of those partitions that have one."""
        rows = await connection.fetch(
            self._read, self._group, [p.topic for p in partitions], [p.number for p in partitions]
        )
        return {Partition(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def open(self, connection: Any, starts: Mapping[Partition, int]) -> None:
        """Give partitions that were never handled their first position."""
        partitions = sorted(starts)
        await connection.execute(
            self._open,
            self._group,
            [p.topic for p in partitions],
            [p.number for p in partitions],
            [starts[p] for p in partitions],
        )
