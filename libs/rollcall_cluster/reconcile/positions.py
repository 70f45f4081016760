"""Positions of lanes that Kafka has lost: found in the headers of what the lanes published."""

from collections.abc import Collection, Mapping

from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import LaneRange
from rollcall_cluster.auditor.kafka_log import KafkaLogs, LogRange
from rollcall_cluster.reconcile.published import FARTHER, FIRST_LOOK_BACK, lane_and_seq
from rollcall_cluster.reconcile.statements import Statements
from rollcall_events.topics import TOPICS


async def lost_positions(
    statements: Statements,
    logs: KafkaLogs,
    topic_prefix: str,
    known: Mapping[int, LaneRange],
    in_kafka: Mapping[int, int],
) -> dict[int, int]:
    """Where lanes stand that the topic of positions does not know, or that were published farther.

    A position is written in one transaction with records that carry its number, so the newest number
    in the logs is the position. What was published for certain, the database knows.
    """
    lost = {lane: r for lane, r in known.items() if _is_lost(in_kafka.get(lane), r)}
    if not lost:
        return {}
    topics = {topic.name for topic in TOPICS if topic.direction == "out"}
    topics |= await _topics_in_question(statements, lost)
    newest = await newest_numbers(logs, [topic_prefix + name for name in sorted(topics)], lost)
    return {lane: max(newest[lane], known[lane].published_seq) for lane in lost}


def _is_lost(in_kafka: int | None, known: LaneRange) -> bool:
    return known.last_seq > 0 if in_kafka is None else in_kafka < known.published_seq


async def newest_numbers(
    logs: KafkaLogs, topics: Collection[str], lanes: Collection[int]
) -> dict[int, int]:
    """The newest number of each lane in the logs of these topics; 0 = none. They are read backwards."""
    newest = dict.fromkeys(lanes, 0)
    partitions = logs.partitions(topics)
    starts, ends = await logs.starts(partitions), await logs.settled_ends(partitions)
    for partition in partitions:
        unseen, end, look_back = set(lanes), ends[partition], FIRST_LOOK_BACK
        while unseen and end > starts[partition]:
            first = max(starts[partition], end - look_back)
            async for batch in logs.read({partition: LogRange(first, end)}):
                for record in batch.records:
                    lane, seq = lane_and_seq(record.headers)
                    unseen.discard(lane)
                    if lane in newest:
                        newest[lane] = max(newest[lane], seq)
            end, look_back = first, look_back * FARTHER
    return newest


async def _topics_in_question(statements: Statements, lanes: Collection[int]) -> set[str]:
    """Where segments go that have a number and may be published: redriven records go into the input."""
    codec = SegmentCodec()
    rows = await statements.fetch("numbered", list(lanes))
    return {record.topic for (payload,) in rows for record in codec.decode(payload)}
