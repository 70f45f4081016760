"""Numbers for the partitions of a deployment, so that a record's place is two integers."""

from collections.abc import Iterable

from aiokafka import TopicPartition

from rollcall_cluster.auditor.report import Place
from rollcall_cluster.auditor.scratch import Scratch
from rollcall_events.topics import TOPICS, Topic


class Logbook:
    """The topics of one deployment and the numbers given to their partitions."""

    def __init__(self, topic_prefix: str) -> None:
        self.topics = {topic.prefixed(topic_prefix): topic for topic in TOPICS}
        self._numbers: dict[tuple[str, int], int] = {}
        self._partitions: list[TopicPartition] = []

    def names(self, direction: str) -> list[str]:
        """Names on the cluster of the topics of one direction."""
        return [name for name, topic in self.topics.items() if topic.direction == direction]

    def add(self, scratch: Scratch, partitions: Iterable[TopicPartition]) -> None:
        """Number partitions and write them down."""
        rows = []
        for partition in partitions:
            number = len(self._partitions)
            self._numbers[(partition.topic, partition.partition)] = number
            self._partitions.append(partition)
            direction = self.topic(partition).direction
            rows.append((number, partition.topic, partition.partition, direction))
        scratch.insert("log", rows)

    def topic(self, partition: TopicPartition) -> Topic:
        """The registry's entry for a partition's topic."""
        return self.topics[partition.topic]

    def number(self, topic: str, partition: int) -> int | None:
        """The number of a partition; none if it is not one of this deployment's."""
        return self._numbers.get((topic, partition))

    def place(self, log: int, offset: int) -> Place:
        """The record that a log number and an offset stand for."""
        partition = self._partitions[log]
        return Place(topic=partition.topic, partition=partition.partition, offset=offset)
