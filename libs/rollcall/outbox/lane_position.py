"""A lane's position in Kafka: the newest record of its partition in the compacted positions topic.

It is written in the same Kafka transaction as the records it speaks of, so the two cannot disagree.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from rollcall.errors import LanePositionError
from rollcall.outbox.store import LaneRange

_FIRST_LOOK_BACK = 64


@dataclass(slots=True, frozen=True)
class LanePosition:
    """The newest segment of a lane that is committed in Kafka; 0 = none yet.

    It is written for the first time before the lane gives its first number, so a lane with numbers
    and without a position has lost it.
    """

    seq: int

    def encode(self) -> bytes:
        """The value of a record in the positions topic."""
        return orjson.dumps({"seq": self.seq})

    @classmethod
    def decode(cls, value: bytes) -> "LanePosition":
        """Read the value of a record in the positions topic."""
        return cls(int(orjson.loads(value)["seq"]))


def check_lane_position(lane: int, position: LanePosition | None, known: LaneRange) -> None:
    """Refuse to go on from a position that contradicts the database; pure.

    Raises:
        LanePositionError: with both sides' numbers.
    """
    if position is None:
        if known.last_seq > 0:
            raise LanePositionError(
                f"lane {lane}: segments up to {known.last_seq} have numbers, but Kafka's positions"
                " topic does not know the lane; the topic was lost or recreated"
            )
        return
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
) -> LanePosition | None:
    """The newest committed position record of one lane, see `read_lane_positions`."""
    return (await read_lane_positions(consumer, [partition], timeout_seconds)).get(partition)


async def read_lane_positions(
    consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition], timeout_seconds: float
) -> dict[TopicPartition, LanePosition]:
    """Find the newest committed position record of each lane that has one, of all at once.

    `consumer` reads read_committed, belongs to no group and is assigned `partitions` alone. Control
    records and aborted transactions may follow the newest record, so the search looks back further
    and further.

    Raises:
        TimeoutError: Kafka did not answer in time.
    """
    found: dict[TopicPartition, LanePosition] = {}
    async with asyncio.timeout(timeout_seconds):
        starts = await consumer.beginning_offsets(list(partitions))
        ends = await consumer.end_offsets(list(partitions))
        unread = [partition for partition in partitions if starts[partition] < ends[partition]]
        look_back = _FIRST_LOOK_BACK
        while unread:
            firsts = {p: max(starts[p], ends[p] - look_back) for p in unread}
            found |= await _newest_between(consumer, firsts, ends)
            unread = [p for p in unread if p not in found and firsts[p] > starts[p]]
            look_back *= 8
    return found


async def _newest_between(
    consumer: AIOKafkaConsumer,
    firsts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> dict[TopicPartition, LanePosition]:
    for partition, first in firsts.items():
        consumer.seek(partition, first)
    newest = {}
    left = list(firsts)
    while left:
        for partition, records in (await consumer.getmany(*left, timeout_ms=200)).items():
            newest[partition] = LanePosition.decode(records[-1].value)
        left = [p for p in left if await consumer.position(p) < ends[p]]
    return newest
