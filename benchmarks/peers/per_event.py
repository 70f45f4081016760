"""The straightforward service: one database transaction for each event, an outbox table, a relay.

What a careful team writes first: aiokafka's loop, the group's offset committed after the effect. It
gives less than Rollcall does: a relay that dies between Kafka and its mark publishes again.

Run it with `python -m benchmarks.peers.per_event` and the ROLLCALL_* addresses.
"""

from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from pydantic import ValidationError

from benchmarks.peers.lifecycle import Lifecycle, Settings
from benchmarks.peers.outbox_relay import OutboxRelay
from benchmarks.peers.running import MAX_REQUEST_BYTES, create_pool, run_until_told, sender
from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1

_POLL_MS = 200


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
        self._consumer = AIOKafkaConsumer(
            *self._handlers,
            bootstrap_servers=settings.bootstrap_servers,
            group_id=settings.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )

    async def run(self) -> None:
        """Handle events one by one; commit the group's offset after each poll."""
        await self._consumer.start()
        try:
            while True:
                batches = await self._consumer.getmany(timeout_ms=_POLL_MS)
                async with self._pool.acquire() as connection:
                    for records in batches.values():
                        for record in records:
                            await self._handle(connection, record)
                if batches:
                    await self._consumer.commit()
        finally:
            await self._consumer.stop()

    async def _handle(self, connection: Any, record: ConsumerRecord) -> None:
        try:
            await self._handlers[record.topic](connection, record.value)
        except ValidationError as error:
            print(f"skipped {record.topic}-{record.partition}@{record.offset}: {error}", flush=True)
        else:
            self._relay.wake.set()


async def main() -> None:
    """Run until SIGTERM."""
    settings = Settings.from_environment()
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers,
        enable_idempotence=True,
        max_request_size=MAX_REQUEST_BYTES,
    )
    async with create_pool(settings) as pool, producer:
        relay = OutboxRelay(pool, sender(producer))
        service = Service(settings, pool, relay)
        await run_until_told(service.run(), relay.run())


if __name__ == "__main__":
    uvloop.run(main())
