"""What an earlier publication has left in Kafka is ended before it is repeated, on a real broker."""

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from rollcall import ServiceSettings
from rollcall.cancellation import apart
from rollcall.outbox.lane_position import LanePosition
from rollcall.outbox.producer import LaneProducer
from rollcall.outbox.segment import SegmentCodec
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS
from tests.eventually import eventually
from tests.fixtures.topics import create_topics
from tests.unit.model.lanes import TOPIC, segment

_ONE = segment(1, records=1)


async def _ends(kafka_bootstrap: str, topic: str) -> list[int]:
    """End offsets of a topic's partitions, markers included."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka_bootstrap)
    await consumer.start()
    try:
        numbers = consumer.partitions_for_topic(topic) or set()
        ends = await consumer.end_offsets([TopicPartition(topic, n) for n in sorted(numbers)])
        return list(ends.values())
    finally:
        await apart(consumer.stop())


async def test_an_end_is_written_where_the_segments_go_and_nothing_of_theirs(
    kafka_bootstrap: str,
) -> None:
    prefix = await create_topics(kafka_bootstrap)
    settings = ServiceSettings.model_validate(
        {"kafka_bootstrap_servers": kafka_bootstrap, "topic_prefix": prefix}
    )
    former, owner = (LaneProducer(settings, Topology(TOPICS), 0, SegmentCodec()) for _ in range(2))
    topic = settings.topic(TOPIC)
    try:
        await former.open()
        await owner.open()
        before = await _ends(kafka_bootstrap, topic)
        await owner.end_earlier([_ONE])

        async def ended() -> bool:  # a marker follows its transaction's answer
            after = await _ends(kafka_bootstrap, topic)
            grown = [now - then for then, now in zip(before, after, strict=True)]
            return sorted(grown) == [0] * (len(grown) - 1) + [1]

        await eventually(ended)
        assert await owner.publish([_ONE]) == LanePosition(1)
        with pytest.raises(KafkaError):
            await former.publish([_ONE])
    finally:
        await former.close()
        await owner.close()
