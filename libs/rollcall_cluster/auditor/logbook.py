"""Numbers for the partitions of a deployment, so that a record's place is two integers."""

from collections.abc import Iterable

from aiokafka import TopicPartition

from rollcall_cluster.auditor.report import Place
from rollcall_events.topics import TOPICS, Topic


class Logbook:
    """The topics of one deployment and the numbers given to their partitions, in order."""

    def __init__(self, topic_prefix: str, partitions: Iterable[tuple[str, int]] = ()) -> None:
        self.topics = {topic.prefixed(topic_prefix): topic for topic in TOPICS}
        self.partitions: list[TopicPartition] = []
        self._numbers: dict[tuple[str, int], int] = {}
        self.add(partitions)

    def names(self, direction: str) -> list[str]:
        """Names on the cluster of the topics of one direction."""
        return [name for name, topic in self.topics.items() if topic.direction == direction]

    def add(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Number more partitions."""
        for topic, partition in partitions:
            self._numbers[(topic, partition)] = len(self.partitions)
            self.partitions.append(TopicPartition(topic, partition))

    def topic(self, partition: TopicPartition) -> Topic:
        """The registry's entry for a partition's topic."""
        return self.topics[partition.topic]

    def number(self, topic: str, partition: int) -> int | None:
        """The number of a partition; none if it is not one of this deployment's."""
        return self._numbers.get((topic, partition))

    def place(self, log: int, offset: int) -> Place:
        """The record that a log number and an offset stand for."""
        partition = self.partitions[log]
        return Place(topic=partition.topic, partition=partition.partition, offset=offset)
