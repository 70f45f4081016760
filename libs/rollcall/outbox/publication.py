"""Records of segments, grouped into Kafka record batches by topic and partition."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from aiokafka.partitioner import murmur2

from rollcall.outbox.event import OutgoingRecord
from rollcall.outbox.raw_record import RawRecord

LANE_SEQ_HEADER = "lane-seq"
Headers = list[tuple[str, bytes | None]]


# Ids and names. Keys of redriven records are an upstream's, and may be as large as a record.
_REMEMBERED_BYTES = 64


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that every Kafka client's default partitioner gives this key."""
    if len(key) > _REMEMBERED_BYTES:
        return _partition_of(key, partitions)
    return _remembered_partition_of(key, partitions)


def _partition_of(key: bytes, partitions: int) -> int:
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


_remembered_partition_of = lru_cache(maxsize=16_384)(_partition_of)


PlacedRecord = tuple[OutgoingRecord | RawRecord, int, Headers]
"""A record, the partition it goes to, and its headers.

The header `lane-seq` tells lane, segment and index; equal values mean the same publication.
"""


def place(
    lane: int,
    seq: int,
    records: Sequence[OutgoingRecord] | Sequence[RawRecord],
    partition_counts: Mapping[str, int],
) -> Iterator[PlacedRecord]:
    """Give each record of a segment its partition and its lane-seq header."""
    for index, record in enumerate(records):
        place_in_lane: tuple[str, bytes | None] = (
            LANE_SEQ_HEADER,
            b"%d:%d:%d" % (lane, seq, index),
        )
        if type(record) is OutgoingRecord:
            partition = partition_of(record.key, partition_counts[record.topic])
            yield record, partition, [place_in_lane]
        elif type(record) is RawRecord:
            partition = _raw_partition(record, seq, partition_counts[record.topic])
            yield record, partition, [*record.headers, place_in_lane]


def _raw_partition(record: RawRecord, seq: int, partitions: int) -> int:
    """Records without a key stay together, a segment's in one partition, as Kafka's clients do it."""
    return seq % partitions if record.key is None else partition_of(record.key, partitions)
