"""The logs of input partitions, looked at from outside of the consumer group."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from rollcall.access.kafka import KafkaAccess, kafka_options
from rollcall.consumer.positions import LogRange
from rollcall.consumer.records import Partition
from rollcall.errors import OperatorBusyError

_LIMIT_SECONDS = 15.0


class InputLogs:
    """Partitions of input topics: which there are, what they hold, what stands at a time.

    Each look raises OperatorBusyError if Kafka does not answer.
    """

    def __init__(self, kafka: AIOKafkaConsumer) -> None:
        self._kafka = kafka

    async def partitions(self, topics: Collection[str]) -> list[Partition]:
        """All partitions of these topics, as the cluster has them; a topic that is absent has none."""
        # All topics: to ask for one by its name could create it.
        cluster = await _answer(self._kafka._client.fetch_all_metadata())
        return sorted(
            Partition(topic, number)
            for topic in topics
            for number in cluster.partitions_for_topic(topic) or ()
        )

    async def ranges(self, partitions: Collection[Partition]) -> dict[Partition, LogRange]:
        """What each of the logs holds now."""
        targets = [TopicPartition(*partition) for partition in partitions]
        starts = await _answer(self._kafka.beginning_offsets(targets))
        ends = await _answer(self._kafka.end_offsets(targets))
        return {Partition(*target): LogRange(starts[target], ends[target]) for target in targets}

    async def offsets_at(
        self, partitions: Collection[Partition], moment: datetime
    ) -> dict[Partition, int]:
        """The first offset of each whose record was produced then or later; the end if there is none."""
        milliseconds = max(int(moment.timestamp() * 1000), 0)
        targets = {TopicPartition(*partition): milliseconds for partition in partitions}
        ranges = await self.ranges(partitions)
        found = await _answer(self._kafka.offsets_for_times(targets))
        return {
            Partition(*target): ranges[Partition(*target)].end
            if found.get(target) is None
            else found[target].offset
            for target in targets
        }


@asynccontextmanager
async def open_input_logs(access: KafkaAccess) -> AsyncIterator[InputLogs]:
    """Connect to Kafka, as a member of no group.

    Raises:
        OperatorBusyError: Kafka cannot be reached.
    """
    kafka = AIOKafkaConsumer(
        **kafka_options(access),
        client_id="rollcall-operator",
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    try:
        await _answer(kafka.start())
        yield InputLogs(kafka)
    finally:
        await kafka.stop()


async def _answer(asked: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(_LIMIT_SECONDS):
            return await asked
    except (KafkaError, OSError, TimeoutError) as error:
        raise OperatorBusyError(
            f"Kafka does not answer: {error!r}; check ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"
        ) from error
