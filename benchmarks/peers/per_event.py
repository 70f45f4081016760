"""The straightforward service: one database transaction for each event, an outbox table, a relay.

What a careful team writes first: slots are taken with SKIP LOCKED, repetitions are stopped by the
unique index, events leave through an outbox, the group's offset is committed after the effect. It
gives less than Rollcall does: a relay that dies between Kafka and its mark publishes again.

Run it with `python -m benchmarks.peers.per_event` and the ROLLCALL_* addresses.
"""

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from pydantic import ValidationError

from benchmarks.peers import per_event_store as store
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchEssaysRegisteredV1,
    EssayContentProvisionedV1,
    EssaySlotAssignedV1,
    EventData,
    ExcessContentProvisionedV1,
    ExcessReason,
    ReadyEssay,
    deterministic_event_id,
)
from rollcall_events.topics import topic_for

_RELAY_BATCH = 500
_RELAY_PAUSE_SECONDS = 0.05
_POLL_MS = 200


@dataclass(frozen=True)
class Settings:
    """Where the servers are."""

    bootstrap_servers: str
    dsn: str
    schema: str
    group: str
    topic_prefix: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the variables that the benchmark gives to every contestant."""
        return cls(
            environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"],
            environment["ROLLCALL_POSTGRES_DSN"],
            environment["ROLLCALL_DATABASE_SCHEMA"],
            environment["ROLLCALL_CONSUMER_GROUP"],
            environment["ROLLCALL_TOPIC_PREFIX"],
        )

    def topic(self, model: type[EventData]) -> str:
        """The topic of a model in this deployment."""
        return topic_for(model).prefixed(self.topic_prefix)


class Lifecycle:
    """What one event does, in one transaction."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def register(self, connection: Any, value: bytes) -> None:
        """Open the slots of a batch."""
        envelope = BatchEssaysRegisteredV1.envelope().model_validate_json(value)
        async with connection.transaction():
            await store.insert_batch(connection, envelope.data, envelope.correlation_id)

    async def provision(self, connection: Any, value: bytes) -> None:
        """Give one content a slot; complete its batch with the last one."""
        envelope = EssayContentProvisionedV1.envelope().model_validate_json(value)
        content, correlation_id = envelope.data, envelope.correlation_id
        try:
            async with connection.transaction():
                slot = await store.take_slot(connection, content, correlation_id)
                if slot is None:
                    await self._excess(connection, content, correlation_id)
                else:
                    await self._assigned(connection, content, correlation_id, slot)
        except asyncpg.UniqueViolationError:
            return  # a repetition: the content holds a slot already

    async def _assigned(
        self,
        connection: Any,
        content: EssayContentProvisionedV1,
        correlation_id: UUID,
        slot: Any,
    ) -> None:
        batch = await store.count_filled(connection, content.batch_id)
        assigned = EssaySlotAssignedV1(
            essay_id=slot["essay_id"], slot_position=slot["position"], **content.model_dump()
        )
        await self._publish(connection, assigned, correlation_id, content.text_storage_id)
        if batch["complete"]:
            await self._complete(connection, content.batch_id, batch)

    async def _complete(self, connection: Any, batch_id: UUID, batch: Any) -> None:
        rows = await store.insert_completion(connection, batch_id)
        essays = tuple(ReadyEssay(**row) for row in rows)
        completed = BatchContentProvisioningCompletedV1(
            batch_id=batch_id,
            expected_count=batch["expected_count"],
            provisioned_count=len(essays),
            failed_count=0,
            course_code=batch["course_code"],
            user_id=batch["user_id"],
            essays_for_processing=essays,
        )
        ready = BatchEssaysReadyV1(
            batch_id=batch_id,
            ready_essays=essays,
            course_code=batch["course_code"],
            essay_instructions=batch["essay_instructions"],
            user_id=batch["user_id"],
        )
        await self._publish(connection, completed, batch["correlation_id"])
        await self._publish(connection, ready, batch["correlation_id"])

    async def _excess(
        self, connection: Any, content: EssayContentProvisionedV1, correlation_id: UUID
    ) -> None:
        if await store.insert_excess(connection, content, correlation_id):
            excess = ExcessContentProvisionedV1(
                reason=ExcessReason.NO_AVAILABLE_SLOT, **content.model_dump()
            )
            await self._publish(connection, excess, correlation_id, content.text_storage_id)

    async def _publish(
        self, connection: Any, data: Any, correlation_id: UUID, content: str = ""
    ) -> None:
        envelope = data.enveloped(
            event_id=deterministic_event_id(data.event_type, data.batch_id, content),
            event_timestamp=datetime.now(UTC),
            source_service="per-event",
            correlation_id=correlation_id,
        )
        await store.insert_outbox(
            connection,
            self._settings.topic(type(data)),
            str(data.batch_id).encode(),
            envelope.model_dump_json().encode(),
        )


class OutboxRelay:
    """Publishes what the outbox holds; several may run, each takes rows that no other holds."""

    def __init__(self, pool: Any, producer: AIOKafkaProducer) -> None:
        self._pool = pool
        self._producer = producer
        self.wake = asyncio.Event()

    async def run(self) -> None:
        """Publish for ever."""
        while True:
            self.wake.clear()
            if not await self._publish_some():
                try:
                    await asyncio.wait_for(self.wake.wait(), _RELAY_PAUSE_SECONDS)
                except TimeoutError:
                    continue

    async def _publish_some(self) -> bool:
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await store.lock_unsent(connection, _RELAY_BATCH)
            if rows:
                deliveries = [
                    await self._producer.send(row["topic"], row["value"], key=row["key"])
                    for row in rows
                ]
                await asyncio.gather(*deliveries)
                await store.mark_sent(connection, [row["id"] for row in rows])
        return bool(rows)


class Service:
    """The consumer loop with its relay beside it."""

    def __init__(self, settings: Settings, pool: Any, relay: OutboxRelay) -> None:
        lifecycle = Lifecycle(settings)
        self._pool = pool
        self._relay = relay
        self._handlers = {
            settings.topic(BatchEssaysRegisteredV1): lifecycle.register,
            settings.topic(EssayContentProvisionedV1): lifecycle.provision,
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
    settings = Settings.from_environment(os.environ)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers,
        enable_idempotence=True,
        max_request_size=24 * 1024 * 1024,
    )
    pool = asyncpg.create_pool(
        settings.dsn, min_size=2, max_size=2, server_settings={"search_path": settings.schema}
    )
    async with pool, producer:
        relay = OutboxRelay(pool, producer)
        service = Service(settings, pool, relay)
        tasks = [asyncio.create_task(service.run()), asyncio.create_task(relay.run())]
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    uvloop.run(main())
