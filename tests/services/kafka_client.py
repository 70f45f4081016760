"""The other services' side of the topics: sends anything, reads what is committed."""

from typing import Any, Self, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from rollcall_events import EventData
from rollcall_events.topics import topic_for
from tests.db.events import message

Data = TypeVar("Data", bound=EventData)
_MAX_REQUEST_BYTES = 4 * 1024 * 1024


class KafkaClient:
    """Writes input topics and reads output topics of one deployment."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._prefix = prefix
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, max_request_size=_MAX_REQUEST_BYTES, linger_ms=2
        )
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False
        )

    async def __aenter__(self) -> Self:
        await self._producer.start()
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()
        await self._consumer.stop()

    def topic(self, model: type[EventData]) -> str:
        """The topic of an event on the cluster."""
        return topic_for(model).prefixed(self._prefix)

    async def send(self, *events: EventData, partition: int | None = None) -> None:
        """Send events keyed by their batch, or to one partition."""
        for event in events:
            await self._producer.send(
                self.topic(type(event)),
                message(event),
                key=str(getattr(event, "batch_id", "")).encode(),
                partition=partition,
            )
        await self._producer.flush()

    async def send_raw(
        self,
        model: type[EventData],
        value: bytes | None,
        *,
        partition: int,
        key: bytes | None = None,
    ) -> None:
        """Send any record, even one without key and value, to the topic of `model`."""
        batch = self._producer.create_batch()
        batch.append(timestamp=None, key=key, value=value)
        await (await self._producer.send_batch(batch, self.topic(model), partition=partition))

    async def committed(self, model: type[Data]) -> list[Data]:
        """All events of `model` that are readable now, partition after partition."""
        decode = model.envelope().model_validate_json
        return [decode(record.value).data for record in await self._records(self.topic(model))]

    async def _records(self, topic: str) -> list[Any]:
        await self._consumer._client.force_metadata_update()
        count = len(self._consumer.partitions_for_topic(topic) or ())
        targets = [TopicPartition(topic, number) for number in range(count)]
        self._consumer.assign(targets)
        ends = await self._consumer.end_offsets(targets)
        await self._consumer.seek_to_beginning(*targets)
        found: list[Any] = []
        while any([await self._consumer.position(target) < ends[target] for target in targets]):
            for records in (await self._consumer.getmany(timeout_ms=50)).values():
                found += records
        return sorted(found, key=lambda record: (record.partition, record.offset))
