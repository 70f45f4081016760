"""Members of a consumer group, each with its own pool, in the process of a test."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from rollcall import Database, Event, Received, ServiceSettings, Transaction
from rollcall.consumer.consumer import Consumer
from rollcall.consumer.decoding import Decoder
from rollcall.consumer.processor import ChunkProcessor
from rollcall.consumer.route import Route
from rollcall.supervision import Supervisor
from rollcall.telemetry.health import Progress
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology
from rollcall_events import EssayContentProvisionedV1
from rollcall_events.topics import TOPICS

MODEL = EssayContentProvisionedV1


def settings_of_members(dsn: str, kafka: str, topic_prefix: str, **more: object) -> ServiceSettings:
    """Of the members of a group that this test has for itself."""
    return ServiceSettings.model_validate(
        {
            "postgres_dsn": dsn,
            "database_schema": "els",
            "kafka_bootstrap_servers": kafka,
            "topic_prefix": topic_prefix,
            "consumer_group": f"{topic_prefix}members",
            **more,
        }
    )


def topic_of(settings: ServiceSettings) -> str:
    """The topic that members consume."""
    return settings.topic(Topology(TOPICS).topic_of(MODEL).name)


@asynccontextmanager
async def member(settings: ServiceSettings, handled: list[str]) -> AsyncIterator[Consumer]:
    """A running consumer of contents, which are noted in `handled`."""

    async def handle(received: Sequence[Received[MODEL]], _: Transaction) -> list[Event]:
        handled.extend(item.data.text_storage_id for item in received)
        return []

    database, topology, metrics = Database(settings), Topology(TOPICS), Metrics()
    routes = [Route(frozenset({MODEL}), handle)]
    await database.open()
    processor = ChunkProcessor(
        settings, topology, database, routes, metrics, lambda lanes: None, settings.lanes
    )
    decoders = {topic_of(settings): Decoder([MODEL], settings.record_max_bytes)}
    supervisor = Supervisor()
    consumer = Consumer(settings, database, processor, decoders, Progress(60), metrics, supervisor)
    await consumer.start()
    running = asyncio.create_task(consumer.run())
    try:
        yield consumer
    finally:
        supervisor.end()
        consumer.stop()
        await running
        await consumer.close()
        await database.close()
