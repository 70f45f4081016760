"""A set-based service without guarantees: what Python can do when it promises nothing.

The same assignment statement for a chunk of records at a time, the next chunk decoded meanwhile, but
no positions, no outbox, no validation and no dead letters: events go straight into batches of a plain
producer, offsets are committed in the background. A crash loses or repeats events. An upper bound,
not a service.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.peers import store
from benchmarks.peers.lifecycle import Settings
from benchmarks.peers.running import MAX_REQUEST_BYTES, create_pool, run_until_told
from essay_lifecycle_service.domain.announcements import CompletedBatch, completion, slot_assigned
from essay_lifecycle_service.domain.claims import Claim, distinct
from essay_lifecycle_service.domain.placement import count_by_batch
from essay_lifecycle_service.store.batches import BatchStore
from essay_lifecycle_service.store.slots import SlotStore
from rollcall import Event
from rollcall.outbox.encoding import encode_event
from rollcall.outbox.publication import partition_of
from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1

_CHUNK_RECORDS = 1000
_POLL_MS = 200


class Service:
    """Chunk by chunk; reads and decodes the next one while this one is in the database."""

    def __init__(self, settings: Settings, pool: Any, producer: AIOKafkaProducer) -> None:
        self._settings = settings
        self._pool = pool
        self._producer = producer
        self._partitions: dict[str, int] = {}
        self._slots = SlotStore()
        self._batches = BatchStore()
        self._registrations = settings.topic(BatchEssaysRegisteredV1)
        self._consumer = AIOKafkaConsumer(
            self._registrations,
            settings.topic(EssayContentProvisionedV1),
            bootstrap_servers=settings.bootstrap_servers,
            group_id=settings.group,
            auto_commit_interval_ms=500,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )

    async def run(self) -> None:
        """Poll, place, send."""
        await self._consumer.start()
        try:
            claims = await self._poll()
            while True:
                _, claims = await asyncio.gather(self._place(claims), self._poll())
        finally:
            await self._consumer.stop()

    async def _poll(self) -> list[Claim]:
        polled = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_CHUNK_RECORDS)
        contents: list[Any] = []
        for partition, records in polled.items():
            if partition.topic == self._registrations:
                async with self._pool.acquire() as connection:
                    await self._register(connection, records)
            else:
                contents += records
        return distinct(_claim(orjson.loads(record.value)) for record in contents)

    async def _register(self, connection: Any, records: Sequence[Any]) -> None:
        for record in records:
            envelope = BatchEssaysRegisteredV1.envelope().model_validate_json(record.value)
            async with connection.transaction():
                await store.insert_batch(connection, envelope.data, envelope.correlation_id)

    async def _place(self, claims: list[Claim]) -> None:
        if not claims:
            return
        async with self._pool.acquire() as connection, connection.transaction():
            placement = await self._slots.take(connection, claims)
            events = [slot_assigned(taken) for taken in placement.taken]
            if placement.taken:
                counts = count_by_batch(placement.taken)
                counted = await self._batches.count_taken(connection, counts)
                for batch_id in counted.completed:
                    events += await self._complete(connection, batch_id)
        await self._publish(events)

    async def _complete(self, connection: Any, batch_id: UUID) -> Sequence[Event]:
        await self._batches.complete(connection, batch_id)
        complete = CompletedBatch(
            batch_id, **await self._batches.registration(connection, batch_id)
        )
        async for slots in self._slots.of_batch(connection, batch_id):
            complete.add(slots)
        return completion(complete)

    async def _publish(self, events: Sequence[Event]) -> None:
        now = datetime.now(UTC)
        builders: dict[tuple[str, int], Any] = {}
        for event in events:
            topic = self._settings.topic(type(event.data))
            record = encode_event(event, topic, "set-based", now)
            target = (topic, partition_of(record.key, await self._count(topic)))
            builder = builders.get(target) or self._producer.create_batch()
            if builder.append(timestamp=None, key=record.key, value=record.value) is None:
                await self._submit(target, builder)
                builder = self._producer.create_batch()
                builder.append(timestamp=None, key=record.key, value=record.value)
            builders[target] = builder
        for target, builder in builders.items():
            await self._submit(target, builder)

    async def _submit(self, target: tuple[str, int], builder: Any) -> None:
        topic, partition = target
        await self._producer.send_batch(builder, topic, partition=partition)

    async def _count(self, topic: str) -> int:
        if topic not in self._partitions:
            self._partitions[topic] = len(await self._producer.partitions_for(topic))
        return self._partitions[topic]


def _claim(envelope: dict[str, Any]) -> Claim:
    data = envelope["data"]
    return Claim(
        UUID(data["batch_id"]),
        "content",
        data["text_storage_id"],
        data["file_upload_id"],
        data["original_file_name"],
        data["raw_file_storage_id"],
        data["file_size_bytes"],
        data["content_md5_hash"],
        None,
        None,
        UUID(envelope["correlation_id"]),
    )


async def main() -> None:
    """Run until SIGTERM."""
    settings = Settings.from_environment()
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers,
        acks=1,
        max_batch_size=512 * 1024,
        max_request_size=MAX_REQUEST_BYTES,
    )
    # With plans that are kept, its statements of a thousand records would read whole tables.
    connections = create_pool(settings, plan_cache_mode="force_custom_plan")
    async with connections as pool, producer:
        await run_until_told(Service(settings, pool, producer).run())


if __name__ == "__main__":
    uvloop.run(main())
