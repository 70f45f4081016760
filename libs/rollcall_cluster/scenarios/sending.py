"""Sends batches and contents, to the partitions of its choice: so every instance gets its part."""

import asyncio
from collections.abc import Iterable, Sequence
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from rollcall.access.kafka import kafka_options_at
from rollcall_cluster.measuring.load import Load, Message
from rollcall_cluster.testing.batches import content, message, registration
from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1, EventData
from rollcall_events.topics import topic_for

Place = tuple[str, int]


class Sender:
    """An idempotent producer of input; use as an asynchronous context manager."""

    def __init__(self, bootstrap_servers: str, topic_prefix: str) -> None:
        self._prefix = topic_prefix
        self._producer = AIOKafkaProducer(
            **kafka_options_at(bootstrap_servers), enable_idempotence=True, linger_ms=0
        )
        self.newest: dict[Place, int] = {}
        """Offset of the newest record sent to each partition."""

    async def __aenter__(self) -> "Sender":
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    def topic(self, model: type[EventData]) -> str:
        """The topic of a model in this deployment."""
        return topic_for(model).prefixed(self._prefix)

    async def partitions(self) -> list[int]:
        """Partitions of the contents."""
        return sorted(
            await self._producer.partitions_for(self.topic(EssayContentProvisionedV1)) or ()
        )

    async def register(self, slots: Iterable[int]) -> list[UUID]:
        """Register a batch for each number of slots; returns their ids."""
        batches = [(uuid4(), each) for each in slots]
        topic = self.topic(BatchEssaysRegisteredV1)
        await asyncio.gather(
            *(
                self._send(topic, message(registration(batch_id, count)), key=str(batch_id))
                for batch_id, count in batches
            )
        )
        return [batch_id for batch_id, _ in batches]

    async def provision(self, batch_id: UUID, number: int, partition: int | None = None) -> None:
        """Send a content; where no partition is given, the batch decides."""
        await self.send_contents([message(content(batch_id, number))], [partition], str(batch_id))

    async def send_contents(
        self, messages: Sequence[bytes], partitions: Sequence[int | None], key: str
    ) -> None:
        """Send contents side by side, each to its partition."""
        topic = self.topic(EssayContentProvisionedV1)
        pairs = zip(messages, partitions, strict=True)
        await asyncio.gather(*(self._send(topic, value, key, place) for value, place in pairs))

    async def register_load(self, load: Load) -> None:
        """Register all batches of a load."""
        await self._send_all(self.topic(BatchEssaysRegisteredV1), load.registrations())

    async def send_load(self, load: Load) -> None:
        """Send all contents of a load, as fast as Kafka takes them."""
        await self._send_all(self.topic(EssayContentProvisionedV1), load.contents())

    async def _send_all(self, topic: str, messages: Iterable[Message]) -> None:
        deliveries = [
            await self._producer.send(topic, each.value, key=each.key, partition=each.partition)
            for each in messages
        ]
        for record in await asyncio.gather(*deliveries):
            self._note(record)

    def _note(self, record: RecordMetadata) -> None:
        place = (record.topic, record.partition)
        self.newest[place] = max(record.offset, self.newest.get(place, -1))

    async def _send(self, topic: str, value: bytes, key: str, partition: int | None = None) -> None:
        record = await self._producer.send_and_wait(
            topic, value, key=key.encode(), partition=partition
        )
        self._note(record)
