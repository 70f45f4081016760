"""Records of segments, grouped into Kafka record batches by topic and partition."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from aiokafka.partitioner import murmur2

from rollcall.outbox.event import OutgoingRecord

LANE_SEQ_HEADER = "lane-seq"


@lru_cache(maxsize=16_384)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition that every Kafka client's default partitioner gives this key."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


class PlacedRecord(NamedTuple):
    """A record with the partition it goes to and its headers.

    The header `lane-seq` tells lane, segment and index; equal values mean the same publication.
    """

    record: OutgoingRecord
    partition: int
    headers: list[tuple[str, bytes]]


def place(
    lane: int, seq: int, records: Iterable[OutgoingRecord], partition_counts: dict[str, int]
) -> Iterator[PlacedRecord]:
    """Give each record of a segment its partition and its lane-seq header."""
    for index, record in enumerate(records):
        yield PlacedRecord(
            record,
            partition_of(record.key, partition_counts[record.topic]),
            [(LANE_SEQ_HEADER, b"%d:%d:%d" % (lane, seq, index))],
        )
