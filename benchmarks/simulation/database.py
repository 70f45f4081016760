"""Positions and lane locks, as PostgreSQL keeps them: what commits, commits whole."""

from collections import Counter
from collections.abc import Iterable, Mapping

from rollcall.consumer.chunk import Span
from rollcall.consumer.records import Partition
from rollcall.errors import PositionConflictError


class Positions:
    """The positions of a group, and how often each offset took effect."""

    def __init__(self, partitions: Iterable[Partition]) -> None:
        self.offsets = dict.fromkeys(partitions, 0)
        self.effects: Counter[Partition] = Counter()
        self.conflicts = 0
        self.reads = 0

    def read(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """One query for many partitions."""
        self.reads += 1
        return {partition: self.offsets[partition] for partition in partitions}

    def commit(self, spans: Mapping[Partition, Span], records: Mapping[Partition, int]) -> None:
        """The compare-and-set of a chunk with its effects.

        Raises:
            PositionConflictError: a position is not where the replica believed; nothing is changed.
        """
        if any(self.offsets[partition] != span.expected for partition, span in spans.items()):
            self.conflicts += 1
            raise PositionConflictError("positions were moved by another instance")
        for partition, span in spans.items():
            self.offsets[partition] = span.next
            self.effects[partition] += records[partition]


class Locks:
    """Advisory locks of the lanes and the table of live instances; counts what is asked of them."""

    def __init__(self) -> None:
        self.owners: dict[int, str] = {}
        self.alive: set[str] = set()
        self.attempts = 0
        self.beats = 0

    def forget(self, instance: str) -> None:
        """The session of an instance has ended."""
        self.alive.discard(instance)
        self.owners = {lane: owner for lane, owner in self.owners.items() if owner != instance}
