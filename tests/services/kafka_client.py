"""The other services' side of the topics: sends anything, reads what is committed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from rollcall_events import EventData
from rollcall_events.topics import topic_for
from tests.db.events import message
from tests.eventually import eventually

Data = TypeVar("Data", bound=EventData)
_MAX_REQUEST_BYTES = 4 * 1024 * 1024


class _Name:
    """A header's name that encodes to the bytes it was given."""

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded

    def encode(self, _: str) -> bytes:
        return self._encoded


class KafkaClient:
    """Writes input topics and reads output topics of one deployment."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, max_request_size=_MAX_REQUEST_BYTES, linger_ms=2
        )

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    def topic(self, model: type[EventData]) -> str:
        """The topic of an event on the cluster."""
        return topic_for(model).prefixed(self._prefix)

    async def send(
        self,
        *events: EventData,
        partition: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send events keyed by their batch, or to one partition."""
        for event in events:
            await self._producer.send(
                self.topic(type(event)),
                message(event),
                key=str(getattr(event, "batch_id", "")).encode(),
                partition=partition,
                headers=_encoded(headers),
            )
        await self._producer.flush()

    async def send_compressed(self, codec: str, event: EventData) -> None:
        """Send an event in a compressed batch."""
        async with AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, compression_type=codec
        ) as producer:
            await producer.send_and_wait(self.topic(type(event)), message(event))

    async def send_raw(
        self,
        model: type[EventData],
        value: bytes | None,
        *,
        partition: int,
        key: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send any record, even one without key and value, to the topic of `model`."""
        batch = self._producer.create_batch()
        batch.append(timestamp=None, key=key, value=value, headers=_encoded(headers))
        await (await self._producer.send_batch(batch, self.topic(model), partition=partition))

    async def send_with_header_name(self, event: EventData, name: bytes, *, partition: int) -> None:
        """Send an event with a header whose name is any bytes, as clients in other languages can."""
        batch = self._producer.create_batch()
        batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 65_536)
        batch.append(timestamp=None, key=None, value=message(event), headers=[(_Name(name), b"")])
        topic = self.topic(type(event))
        await (await self._producer.send_batch(batch, topic, partition=partition))

    async def wait_for_partitions(self, model: type[EventData], count: int) -> None:
        """Return once this client knows so many partitions of the topic of `model`."""

        async def known() -> bool:
            await self._producer.client.force_metadata_update()
            return len(await self._producer.partitions_for(self.topic(model))) == count

        await eventually(known, message=f"{count} partitions of {model.__name__}")

    async def committed(self, model: type[Data]) -> list[Data]:
        """All events of `model` that are readable now, partition after partition."""
        decode = model.envelope().model_validate_json
        return [decode(record.value).data for record in await self._records(self.topic(model))]

    async def records(self, model: type[EventData]) -> list[Any]:
        """All records of the topic of `model` that are readable now, partition after partition."""
        return await self._records(self.topic(model))

    async def wait_for(self, model: type[Data], count: int) -> list[Data]:
        """Events of `model`, once `count` of them are readable.

        Topics of one transaction do not become readable at the same moment: the broker writes the
        marker of each partition after the commit.
        """

        async with self._at_the_beginning(self.topic(model)) as consumer:
            found: list[Any] = []

            async def enough() -> bool:
                found.extend(await _up_to_the_end(consumer))
                return len(found) >= count

            await eventually(enough, message=f"{count} {model.__name__}")
        decode = model.envelope().model_validate_json
        return [decode(record.value).data for record in sorted(found, key=_place)]

    async def _records(self, topic: str) -> list[Any]:
        """Read a topic from end to end."""
        async with self._at_the_beginning(topic) as consumer:
            return sorted(await _up_to_the_end(consumer), key=_place)

    @asynccontextmanager
    async def _at_the_beginning(self, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer of its own, which has no past."""
        async with AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        ) as consumer:
            numbers = await self._producer.partitions_for(topic)
            targets = [TopicPartition(topic, number) for number in numbers]
            consumer.assign(targets)
            await consumer.seek_to_beginning(*targets)
            yield consumer


async def _up_to_the_end(consumer: AIOKafkaConsumer) -> list[Any]:
    """What a consumer has not read yet, up to what is readable now."""
    targets = consumer.assignment()
    ends = await consumer.end_offsets(targets)
    found: list[Any] = []
    while any([await consumer.position(target) < ends[target] for target in targets]):
        for records in (await consumer.getmany(timeout_ms=50)).values():
            found += records
    return found


def _place(record: Any) -> tuple[int, int]:
    return record.partition, record.offset


def _encoded(headers: Mapping[str, str] | None) -> list[tuple[str, bytes]]:
    return [(name, value.encode()) for name, value in (headers or {}).items()]
