"""A lane's position in Kafka: the newest record of its partition in the compacted positions topic.

It is written in the same Kafka transaction as the records it speaks of, so the two cannot disagree.
"""

import asyncio
from dataclasses import dataclass

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from rollcall.errors import LanePositionError
from rollcall.outbox.store import LaneRange

_FIRST_LOOK_BACK = 64


@dataclass(slots=True, frozen=True)
class LanePosition:
    """The newest segment of a lane that is committed in Kafka; 0 = none yet."""

    seq: int

    def encode(self) -> bytes:
        """The value of a record in the positions topic."""
        return orjson.dumps({"seq": self.seq})

    @classmethod
    def decode(cls, value: bytes) -> "LanePosition":
        """Read the value of a record in the positions topic."""
        return cls(int(orjson.loads(value)["seq"]))


def check_lane_position(lane: int, position: LanePosition, known: LaneRange) -> None:
    """Refuse to go on from a position that contradicts the database; pure.

    Raises:
        LanePositionError: with both sides' numbers.
    """
    if position.seq > known.last_seq:
        raise LanePositionError(
            f"lane {lane}: Kafka holds segment {position.seq}, but the database has given numbers only"
            f" up to {known.last_seq}; it was restored to an earlier point"
        )
    if position.seq < known.published_seq:
        raise LanePositionError(
            f"lane {lane}: segments up to {known.published_seq} were published, but Kafka's positions"
            f" topic ends at {position.seq}; the topic was lost or recreated"
        )


async def read_lane_position(
    consumer: AIOKafkaConsumer, partition: TopicPartition, timeout_seconds: float
) -> LanePosition:
    """Find the newest committed position record of a lane.

    `consumer` reads read_committed, belongs to no group and is assigned `partition` alone. Control
    records and aborted transactions may follow the newest record, so the search looks back further
    and further.

    Raises:
        TimeoutError: Kafka did not answer in time.
    """
    async with asyncio.timeout(timeout_seconds):
        start = (await consumer.beginning_offsets([partition]))[partition]
        end = (await consumer.end_offsets([partition]))[partition]
        look_back = _FIRST_LOOK_BACK
        while end > start:
            first = max(start, end - look_back)
            if (newest := await _newest_between(consumer, partition, first, end)) is not None:
                return newest
            if first == start:
                break
            look_back *= 8
    return LanePosition(0)


async def _newest_between(
    consumer: AIOKafkaConsumer, partition: TopicPartition, first: int, end: int
) -> LanePosition | None:
    consumer.seek(partition, first)
    newest = None
    while await consumer.position(partition) < end:
        for records in (await consumer.getmany(partition, timeout_ms=200)).values():
            newest = LanePosition.decode(records[-1].value)
    return newest
