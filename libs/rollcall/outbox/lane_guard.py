"""Finds out whether the database was restored to a moment before what Kafka holds already."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition

from rollcall.access.kafka import kafka_options
from rollcall.cancellation import apart
from rollcall.database.pool import Database
from rollcall.errors import DatabaseRestoredError
from rollcall.outbox.lane_position import read_lane_positions
from rollcall.outbox.store import OutboxStore
from rollcall.settings import ServiceSettings
from rollcall.topology import Topology

_TIMEOUT_SECONDS = 20.0


class LaneGuard:
    """Compares every lane's position in Kafka with the numbers that the database has given.

    In that order: numbers are given before they are published, so a position read first can only be
    above a number read later if the database went back in time. That is true whoever owns the lane.
    """

    def __init__(self, settings: ServiceSettings, topology: Topology, database: Database) -> None:
        self._settings = settings
        self._topic = settings.topic(topology.lane_positions.name)
        self._database = database

    async def check(self) -> None:
        """Return if no lane is ahead of the database.

        Raises:
            DatabaseRestoredError: handling input would contradict events that consumers know.
            KafkaError, OSError, TimeoutError, asyncpg.PostgresError: a server does not answer.
        """
        async with self._database.acquire() as connection:
            lanes = sorted(await OutboxStore().last_numbers(connection))
        in_kafka = await self._in_kafka(lanes)
        async with self._database.acquire() as connection:
            known = await OutboxStore().last_numbers(connection)
        ahead = [
            f"lane {lane}: Kafka holds segment {seq}, the database gave numbers up to {known[lane]}"
            for lane, seq in in_kafka.items()
            if seq > known[lane]
        ]
        if ahead:
            raise DatabaseRestoredError(
                f"the database was restored to an earlier point ({'; '.join(ahead)}): stop every"
                ' replica that works, then see docs/operations.md, "Backup and restore"'
                " (`rollcall reconcile` is for the essay lifecycle service alone)"
            )

    async def _in_kafka(self, lanes: list[int]) -> dict[int, int]:
        consumer = AIOKafkaConsumer(
            **kafka_options(self._settings),
            client_id=f"{self._settings.instance_id}-lane-guard",
            isolation_level="read_committed",
            enable_auto_commit=False,
        )
        partitions = [TopicPartition(self._topic, lane) for lane in lanes]
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await consumer.start()
            consumer.assign(partitions)
            found = await read_lane_positions(consumer, partitions, _TIMEOUT_SECONDS)
            return {partition.partition: position.seq for partition, position in found.items()}
        finally:
            await apart(consumer.stop())
