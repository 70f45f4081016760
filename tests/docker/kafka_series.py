"""Stands in for danielqsj/kafka-exporter where its image cannot be had: the main series of the same Kafka.

Not that program: it is called in the same way, and its series have the names and labels of that one's. Runs in the
service's own image.
"""

import argparse
import asyncio
from collections.abc import Iterable, Iterator

import prometheus_client
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

_PORT = 9308
_LOOK_SECONDS = 5.0
_LABELS = ("topic", "partition")

Offsets = dict[TopicPartition, int]


class Seen(Collector):
    """What the last look at Kafka saw; nothing before the first."""

    def __init__(self) -> None:
        self.brokers = 0
        self.ends: Offsets = {}
        self.groups: dict[str, Offsets] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family for each series."""
        if not self.brokers:
            return
        brokers = GaugeMetricFamily("kafka_brokers", "Brokers of the cluster.")
        brokers.add_metric((), self.brokers)
        yield brokers
        ends = GaugeMetricFamily(
            "kafka_topic_partition_current_offset", "The end of the log.", labels=_LABELS
        )
        for place, end in self.ends.items():
            ends.add_metric(_labels(place), end)
        yield ends
        yield from self._of_groups()

    def _of_groups(self) -> Iterator[GaugeMetricFamily]:
        labels = ("consumergroup", *_LABELS)
        offsets = GaugeMetricFamily(
            "kafka_consumergroup_current_offset", "What the group committed.", labels=labels
        )
        lags = GaugeMetricFamily(
            "kafka_consumergroup_lag", "From there to the end of the log.", labels=labels
        )
        for group, committed in self.groups.items():
            for place, offset in committed.items():
                offsets.add_metric((group, *_labels(place)), offset)
                lags.add_metric((group, *_labels(place)), self.ends.get(place, offset) - offset)
        yield offsets
        yield lags


def _labels(place: TopicPartition) -> tuple[str, str]:
    return place.topic, str(place.partition)


async def watch(servers: Iterable[str], seen: Seen) -> None:
    """Look at Kafka every few seconds; ends with the first error, as a container that starts again."""
    admin = AIOKafkaAdminClient(bootstrap_servers=list(servers))
    consumer = AIOKafkaConsumer(bootstrap_servers=list(servers))
    await admin.start()
    await consumer.start()
    try:
        while True:
            cluster = await admin.describe_cluster()
            topics = await admin.describe_topics()
            places = [
                TopicPartition(topic["topic"], part["partition"])
                for topic in topics
                for part in topic["partitions"]
            ]
            committed = {
                group: {
                    place: offset.offset
                    for place, offset in (await admin.list_consumer_group_offsets(group)).items()
                }
                for group, *_ in await admin.list_consumer_groups()
            }
            seen.ends = await consumer.end_offsets(places)
            seen.groups = committed
            seen.brokers = len(cluster["brokers"])
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        await consumer.stop()
        await admin.close()


def main() -> None:
    """Serve /metrics."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka.server", dest="servers", action="append", required=True)
    parser.add_argument("--kafka.version", dest="version")
    options = parser.parse_args()
    seen = Seen()
    registry = CollectorRegistry()
    registry.register(seen)
    prometheus_client.start_http_server(_PORT, registry=registry)
    asyncio.run(watch(options.servers, seen))


if __name__ == "__main__":
    main()
