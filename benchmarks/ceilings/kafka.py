"""What the Kafka client reaches alone: draining a backlog, producing in transactions."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks.deployment import Deployment
from rollcall.outbox.publication import partition_of
from rollcall.outbox.publisher import LEAST_DISTANCE_SECONDS
from rollcall_cluster.measuring.load import Load, Message
from rollcall_events import EssayContentProvisionedV1, EssaySlotAssignedV1

_DEADLINE_SECONDS = 300
_FETCH_MAX_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Transaction:
    """One of a producer: how long it took, and the CPU time of the process that produced it."""

    records: int
    seconds: float
    cpu_seconds: float


async def drain(deployment: Deployment, load: Load) -> float:
    """Seconds to read the load, which has been produced, with the consumer's fetch settings."""
    topic = deployment.topic(EssayContentProvisionedV1)
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=deployment.bootstrap_servers,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        fetch_max_bytes=_FETCH_MAX_BYTES,
        max_partition_fetch_bytes=_FETCH_MAX_BYTES // 16,
    )
    read = 0
    async with asyncio.timeout(_DEADLINE_SECONDS), consumer:
        began = time.perf_counter()
        while read < load.events:
            for records in (await consumer.getmany(timeout_ms=200, max_records=1000)).values():
                read += len(records)
        return time.perf_counter() - began


async def produce(
    deployment: Deployment, messages: Sequence[Message], each: int, name: str
) -> list[Transaction]:
    """Transactions of `each` records, as the relay writes them: with a pause between any two.

    Without it, the client asks too early for the next, and waits until it asks again.
    """
    topic = deployment.topic(EssaySlotAssignedV1)
    producer = AIOKafkaProducer(
        bootstrap_servers=deployment.bootstrap_servers,
        transactional_id=f"{deployment.prefix}{name}",
        max_batch_size=512 * 1024,
        max_request_size=24 * 1024 * 1024,
        retry_backoff_ms=20,
    )
    found = []
    async with asyncio.timeout(_DEADLINE_SECONDS), producer:
        count = len(await producer.partitions_for(topic))
        for start in range(0, len(messages), each):
            await asyncio.sleep(LEAST_DISTANCE_SECONDS)
            began, cpu_began = time.perf_counter(), time.process_time()
            async with producer.transaction():
                deliveries = await _send(producer, topic, count, messages[start : start + each])
                await asyncio.gather(*deliveries)
            took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
            found.append(Transaction(each, took, cpu))
    return found


async def _send(
    producer: AIOKafkaProducer, topic: str, count: int, messages: Sequence[Message]
) -> list[Any]:
    builders: dict[TopicPartition, Any] = {}
    deliveries = []
    for message in messages:
        target = TopicPartition(topic, partition_of(message.key or b"", count))
        builder = builders.get(target) or producer.create_batch()
        if builder.append(timestamp=None, key=message.key, value=message.value) is None:
            deliveries.append(await producer.send_batch(builder, topic, partition=target.partition))
            builder = producer.create_batch()
            builder.append(timestamp=None, key=message.key, value=message.value)
        builders[target] = builder
    for target, builder in builders.items():
        deliveries.append(await producer.send_batch(builder, topic, partition=target.partition))
    return deliveries
