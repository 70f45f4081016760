"""A chunk: the records of one poll, handled in one transaction. Pure; no clock, no I/O."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollcall.consumer.records import InputRecord, Item, Partition, Received, Rejected
from rollcall_events import EventData


@dataclass(slots=True, frozen=True)
class Span:
    """Offsets of one partition that a chunk moves past: from `expected` to `next`, exclusive."""

    expected: int
    next: int

    def __post_init__(self) -> None:
        if not 0 <= self.expected <= self.next:
            raise ValueError(f"a position moves forward: {self.expected} -> {self.next}")


@dataclass(slots=True, frozen=True)
class Chunk:
    """Decoded records in offset order within each partition, partitions one after the other."""

    items: Sequence[Item]
    spans: Mapping[Partition, Span]
    generation: int
    """The assignment under which the records were read; a later one makes the chunk void."""

    def received(self, models: Collection[type[EventData]]) -> list[Received[Any]]:
        """The events of some models, in order."""
        return [
            item
            for item in self.items
            if type(item) is Received and type(item.envelope.data) in models
        ]

    def rejected(self) -> list[Rejected]:
        """The records that were set aside."""
        return [item for item in self.items if type(item) is Rejected]

    def halves(self) -> "tuple[Chunk, Chunk]":
        """Split between two records into chunks that commit one after the other.

        Raises:
            ValueError: there are fewer than two records.
        """
        if len(self.items) < 2:
            raise ValueError("a chunk of one record cannot be split")
        middle = len(self.items) // 2
        first, second = self.items[:middle], self.items[middle:]
        return self._part(first, _spans_before(self.spans, first, second)), self._part(
            second, _spans_after(self.spans, first, second)
        )

    def set_aside(self, error: BaseException, trace: list[str]) -> "Chunk":
        """The same single-record chunk with its record rejected for `error`."""
        (item,) = self.items
        rejected = Rejected.from_exception(item, error)
        rejected.attempts = len(trace) + 1
        rejected.bisection_trace = trace
        return self._part([rejected], self.spans)

    def _part(self, items: Sequence[Item], spans: Mapping[Partition, Span]) -> "Chunk":
        return Chunk(items, spans, self.generation)


def _spans_before(
    spans: Mapping[Partition, Span], first: Sequence[Item], second: Sequence[Item]
) -> dict[Partition, Span]:
    """Spans of the first half: the partition that is cut ends where the second half begins."""
    taken = {item.record.partition for item in first}
    result = {partition: spans[partition] for partition in spans if partition in taken}
    cut = second[0].record
    if cut.partition in taken:
        result[cut.partition] = Span(spans[cut.partition].expected, cut.offset)
    return result


def _spans_after(
    spans: Mapping[Partition, Span], first: Sequence[Item], second: Sequence[Item]
) -> dict[Partition, Span]:
    """Spans of the second half, with those of partitions that had no record at all."""
    taken = {item.record.partition for item in first}
    result = {partition: spans[partition] for partition in spans if partition not in taken}
    cut = second[0].record
    if cut.partition in taken:
        result[cut.partition] = Span(cut.offset, spans[cut.partition].next)
    return result


def describe(records: Sequence[InputRecord]) -> str:
    """Name the range of a run of records for logs and bisection traces."""
    first, last = records[0], records[-1]
    return f"{first.partition}@{first.offset}..{last.partition}@{last.offset}"
