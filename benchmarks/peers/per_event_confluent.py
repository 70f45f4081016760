"""The per-event service on confluent-kafka's asyncio client: librdkafka behind a thread pool."""

from collections.abc import Awaitable
from typing import Any

import uvloop
from confluent_kafka import KafkaException
from confluent_kafka.aio import AIOConsumer, AIOProducer
from pydantic import ValidationError

from benchmarks.peers.lifecycle import Lifecycle, Settings
from benchmarks.peers.outbox_relay import OutboxRelay
from benchmarks.peers.running import MAX_REQUEST_BYTES, create_pool, run_until_told
from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1

_POLL_RECORDS = 500
_POLL_SECONDS = 0.2
_PRODUCER_BUFFER = 500
_PRODUCER_BUFFER_SECONDS = 0.005


class Service:
    """The consumer loop with its relay beside it."""

    def __init__(self, settings: Settings, pool: Any, relay: OutboxRelay) -> None:
        lifecycle = Lifecycle(settings)
        self._pool = pool
        self._relay = relay
        self._handlers = {
            settings.topic(BatchEssaysRegisteredV1): lifecycle.register_record,
            settings.topic(EssayContentProvisionedV1): lifecycle.provision_record,
        }
        self._consumer = AIOConsumer(
            {
                "bootstrap.servers": settings.bootstrap_servers,
                "group.id": settings.group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
            }
        )

    async def run(self) -> None:
        """Handle events one by one; commit the group's offset after each poll."""
        await self._consumer.subscribe(list(self._handlers))
        try:
            while True:
                records = await self._consumer.consume(_POLL_RECORDS, _POLL_SECONDS)
                async with self._pool.acquire() as connection:
                    for record in records:
                        await self._handle(connection, record)
                if records:
                    await self._commit()
        finally:
            await self._consumer.close()

    async def _commit(self) -> None:
        try:
            await self._consumer.commit(asynchronous=False)
        except KafkaException as error:
            print(f"not committed, the next commit will do: {error}", flush=True)

    async def _handle(self, connection: Any, record: Any) -> None:
        if record.error() is not None:
            raise RuntimeError(record.error())
        try:
            await self._handlers[record.topic()](connection, record.value())
        except ValidationError as error:
            print(
                f"skipped {record.topic()}-{record.partition()}@{record.offset()}: {error}",
                flush=True,
            )
        else:
            self._relay.wake.set()


async def main() -> None:
    """Run until SIGTERM."""
    settings = Settings.from_environment()
    producer = AIOProducer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "enable.idempotence": True,
            "message.max.bytes": MAX_REQUEST_BYTES,
        },
        batch_size=_PRODUCER_BUFFER,
        buffer_timeout=_PRODUCER_BUFFER_SECONDS,
    )

    async def send(topic: str, key: bytes, value: bytes) -> Awaitable[Any]:
        delivery: Awaitable[Any] = await producer.produce(topic, value, key)
        return delivery

    async with create_pool(settings) as pool:
        relay = OutboxRelay(pool, send)
        try:
            await run_until_told(Service(settings, pool, relay).run(), relay.run())
        finally:
            await producer.close()


if __name__ == "__main__":
    uvloop.run(main())
