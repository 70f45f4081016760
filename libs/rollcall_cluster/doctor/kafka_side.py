"""Looks at the cluster: topics, configurations, the group, log ends, lane positions. Reads alone."""

import asyncio
from collections.abc import Collection
from contextlib import AsyncExitStack
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall.access.kafka import kafka_options
from rollcall.access.kafka_refusal import refuse_if_denied
from rollcall.consumer.positions import LogRange
from rollcall.consumer.records import Partition
from rollcall.errors import AccessDeniedError
from rollcall.outbox.lane_position import read_lane_positions
from rollcall.topology import Topology
from rollcall_cluster.doctor.facts import KafkaFacts, TopicFacts, Unseen

INTERNAL_TOPICS = ("__transaction_state", "__consumer_offsets")


async def look_at_kafka(
    settings: EssayLifecycleSettings, topology: Topology, limit_seconds: float
) -> KafkaFacts | Unseen:
    """What the cluster says of itself, within a limit of time."""
    try:
        async with asyncio.timeout(limit_seconds), AsyncExitStack() as scope:
            admin = AIOKafkaAdminClient(
                **kafka_options(settings),
                client_id="rollcall-doctor",
                request_timeout_ms=int(limit_seconds * 1000),
            )
            scope.push_async_callback(admin.close)
            await admin.start()
            return await _look(settings, topology, admin, limit_seconds)
    except (KafkaError, OSError, TimeoutError) as error:
        return Unseen(await _why(settings, error))


async def _why(settings: EssayLifecycleSettings, error: BaseException) -> str:
    try:
        await refuse_if_denied(settings)
    except AccessDeniedError as refusal:
        return str(refusal)
    return (
        f"Kafka at {settings.kafka_bootstrap_servers} gives no answer ({error!r}):"
        " check ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"
    )


async def _look(
    settings: EssayLifecycleSettings,
    topology: Topology,
    admin: AIOKafkaAdminClient,
    limit_seconds: float,
) -> KafkaFacts:
    brokers = [broker["node_id"] for broker in (await admin.describe_cluster())["brokers"]]
    described = {topic["topic"]: topic for topic in await admin.describe_topics()}
    own = [settings.topic(topic.name) for topic in topology.topics]
    existing = [name for name in own if name in described]
    topics = {
        name: _topic(described[name]["partitions"])
        for name in (*existing, *INTERNAL_TOPICS)
        if name in described
    }
    ranges, lanes = await _logs(settings, topology, topics, limit_seconds)
    return KafkaFacts(
        brokers=len(brokers),
        topics=topics,
        topic_configs=await _configs(admin, ConfigResourceType.TOPIC, existing),
        broker_configs={
            int(name): config
            for name, config in (
                await _configs(admin, ConfigResourceType.BROKER, [str(b) for b in brokers])
            ).items()
        },
        group_members=await _members(admin, settings.consumer_group),
        log_ranges=ranges,
        lane_positions=lanes,
    )


def _topic(partitions: list[dict[str, Any]]) -> TopicFacts:
    return TopicFacts(
        partitions=len(partitions),
        replicas=min(len(p["replicas"]) for p in partitions),
        in_sync=min(len(p["isr"]) for p in partitions),
        leaderless=sum(p["leader"] < 0 for p in partitions),
    )


async def _configs(
    admin: AIOKafkaAdminClient, kind: ConfigResourceType, names: Collection[str]
) -> dict[str, dict[str, str]]:
    """Configurations by resource; one that this user may not read is missing."""
    if not names:
        return {}
    responses = await admin.describe_configs([ConfigResource(kind, name) for name in names])
    return {
        resource[3]: {entry[0]: entry[1] for entry in resource[4]}
        for response in responses
        for resource in response.resources
        if not resource[0]
    }


async def _members(admin: AIOKafkaAdminClient, group: str) -> int | None:
    """Members of the group; None if this user may not see it."""
    try:
        (response,) = await admin.describe_consumer_groups([group])
    except KafkaError:
        return None
    ((code, _, _, _, _, members, *_),) = response.groups
    return None if code else len(members)


async def _logs(
    settings: EssayLifecycleSettings,
    topology: Topology,
    topics: dict[str, TopicFacts],
    limit_seconds: float,
) -> tuple[dict[Partition, LogRange], dict[int, int]]:
    """Where the input logs begin and end, and where each lane stands."""
    consumer = AIOKafkaConsumer(
        **kafka_options(settings),
        client_id="rollcall-doctor",
        isolation_level="read_committed",
        enable_auto_commit=False,
    )
    try:
        await consumer.start()
        names = [settings.topic(topic.name) for topic in topology.inputs]
        inputs = [
            TopicPartition(name, number)
            for name in names
            if name in topics
            for number in range(topics[name].partitions)
        ]
        starts = await consumer.beginning_offsets(inputs) if inputs else {}
        ends = await consumer.end_offsets(inputs) if inputs else {}
        ranges = {Partition(p.topic, p.partition): LogRange(starts[p], ends[p]) for p in inputs}
        name = settings.topic(topology.lane_positions.name)
        count = topics[name].partitions if name in topics else 0
        partitions = [TopicPartition(name, lane) for lane in range(count)]
        consumer.assign(partitions)
        found = await read_lane_positions(consumer, partitions, limit_seconds) if partitions else {}
        lanes = {partition.partition: position.seq for partition, position in found.items()}
        return ranges, lanes
    finally:
        await consumer.stop()
