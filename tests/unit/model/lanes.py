"""Lane producers on an in-memory Kafka, the segments they publish, and what readers get of them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rollcall.outbox import producer as producer_module
from rollcall.outbox.event import OutgoingRecord
from rollcall.outbox.producer import LaneProducer
from rollcall.outbox.publication import LANE_SEQ_HEADER
from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import StoredSegment
from rollcall.settings import ServiceSettings
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS
from tests.unit.model.broker import Broker

TOPIC = Topology(TOPICS).outputs[0].name
SETTINGS = ServiceSettings(topic_prefix="", service_name="model", consumer_group="model")


@contextmanager
def in_place_of_kafka() -> Iterator[Broker]:
    """Let every LaneProducer made inside talk to one in-memory broker."""
    broker = Broker()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(producer_module, "PromptProducer", broker.producer)
        patch.setattr(producer_module, "AIOKafkaConsumer", broker.consumer)
        yield broker


def lane_producer(lane: int = 0) -> LaneProducer:
    """A producer of a lane, as each owner makes one for itself."""
    return LaneProducer(SETTINGS, Topology(TOPICS), lane, SegmentCodec())


def segment(seq: int, records: int = 2) -> StoredSegment:
    """A segment whose records tell their place: b'<seq>.<index>'."""
    packed = [
        OutgoingRecord(TOPIC, b"key-%d" % index, b"%d.%d" % (seq, index))
        for index in range(records)
    ]
    return StoredSegment(seq, SegmentCodec().encode(packed))


def published(broker: Broker, topic: str = TOPIC) -> list[bytes]:
    """Values that read_committed consumers get, sorted."""
    return sorted(written.value for written in broker.committed(topic))


def lane_seqs(broker: Broker, topic: str = TOPIC) -> list[bytes]:
    """The lane-seq headers of committed records; equal ones mean a double publication."""
    return sorted(dict(written.headers)[LANE_SEQ_HEADER] for written in broker.committed(topic))
