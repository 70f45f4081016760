"""Records of segments, grouped into Kafka record batches by topic and partition."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from aiokafka.partitioner import murmur2

from rollcall.outbox.event import OutgoingRecord

LANE_SEQ_HEADER = "lane-seq"


@lru_cache(maxsize=16_384)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition that every Kafka client's default partitioner gives this key."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


@dataclass(slots=True, frozen=True)
class PlacedRecord:
    """A record with the partition it goes to and its place in its lane."""

    record: OutgoingRecord
    partition: int
    lane_seq: bytes

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """`lane-seq`: lane, segment and index; equal values mean the same publication."""
        return [(LANE_SEQ_HEADER, self.lane_seq)]


def place(
    lane: int, seq: int, records: Iterable[OutgoingRecord], partition_counts: dict[str, int]
) -> Iterator[PlacedRecord]:
    """Give each record of a segment its partition and its lane-seq header."""
    for index, record in enumerate(records):
        yield PlacedRecord(
            record,
            partition_of(record.key, partition_counts[record.topic]),
            b"%d:%d:%d" % (lane, seq, index),
        )
