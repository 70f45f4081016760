"""Puts input into Kafka: registrations at once, contents held back until the contestants may go."""

from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer

from rollcall.access.kafka import kafka_options_at
from rollcall_cluster.measuring.load import Message

_HOLD_SECONDS = 600


class Feeder:
    """A transactional producer. Contestants read read_committed, so a transaction holds input back.

    The whole backlog is on the broker's disk before it commits; then all of it becomes readable at
    once, while every contestant is connected, has its partitions and waits in a fetch.
    """

    def __init__(self, bootstrap_servers: str, name: str) -> None:
        self._producer = AIOKafkaProducer(
            **kafka_options_at(bootstrap_servers),
            transactional_id=f"{name}feeder",
            transaction_timeout_ms=_HOLD_SECONDS * 1000,
            max_batch_size=64 * 1024,
            max_request_size=24 * 1024 * 1024,
        )
        self.last_offsets: dict[tuple[str, int], int] = {}
        """The newest record written to each partition."""

    async def __aenter__(self) -> "Feeder":
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def hold(self, topic: str, messages: Iterable[Message]) -> None:
        """Write messages to the log of `topic`, where nobody can read them yet."""
        await self._producer.begin_transaction()
        newest: dict[int, Any] = {}
        for message in messages:
            delivery = await self._producer.send(
                topic, message.value, key=message.key, partition=message.partition
            )
            newest[message.partition or hash(message.key)] = delivery
        await self._producer.flush()
        for record in [delivery.result() for delivery in newest.values()]:
            place = (record.topic, record.partition)
            self.last_offsets[place] = max(record.offset, self.last_offsets.get(place, -1))

    async def release(self) -> None:
        """Make everything that is held readable."""
        await self._producer.commit_transaction()

    async def send(self, topic: str, messages: Iterable[Message]) -> None:
        """Write messages that are readable at once."""
        await self.hold(topic, messages)
        await self.release()
