"""Builders of records and chunks for the tests of this folder."""

from collections.abc import Iterable

from rollcall.consumer.chunk import Chunk, Span
from rollcall.consumer.records import InputRecord, Partition, Skipped


def record(partition: Partition, offset: int, value: bytes | None = b"{}") -> InputRecord:
    """A record with nothing but a place and a value."""
    return InputRecord(partition, offset, None, value, (), -1)


def chunk(offsets: Iterable[tuple[Partition, int]], generation: int = 1) -> Chunk:
    """A chunk of skipped records at these places, each partition's offsets together."""
    places = list(offsets)
    spans: dict[Partition, Span] = {}
    for partition, offset in places:
        expected = spans[partition].expected if partition in spans else offset
        spans[partition] = Span(expected, offset + 1)
    return Chunk([Skipped(record(*place), "Other") for place in places], spans, generation)
