"""The embedded servers answer their own clients."""

import asyncpg
import redis.asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from rollcall_cluster.embedded import EmbeddedServers


async def test_the_three_servers_serve_their_clients(servers: EmbeddedServers, topic_prefix: str):
    """One set of servers: SQL, a Kafka transaction, a Redis command."""
    connection = await asyncpg.connect(servers.postgres.address)
    assert await connection.fetchval("show server_version_num") >= "180000"
    assert await connection.fetchval("show fsync") == "on"
    await connection.close()

    client = redis.asyncio.from_url(servers.redis.address)
    assert (await client.info("server"))["redis_version"].startswith("8.")
    await client.aclose()

    topic = f"{topic_prefix}els.essay.slot.assigned.v1"
    producer = AIOKafkaProducer(
        bootstrap_servers=servers.kafka.address, transactional_id=f"{topic_prefix}test"
    )
    await producer.start()
    async with producer.transaction():
        await producer.send_and_wait(topic, b"value", key=b"key", partition=0)
    await producer.stop()
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=servers.kafka.address,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        group_id=f"{topic_prefix}group",
    )
    await consumer.start()
    record = await consumer.getone()
    await consumer.stop()
    assert (record.key, record.value) == (b"key", b"value")
    assert len(consumer.partitions_for_topic(topic) or ()) == 3
