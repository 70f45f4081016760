"""Where partitions are fetched from: their positions in PostgreSQL, checked against their logs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition

from rollcall import failpoints
from rollcall.consumer.positions import LogRange, PositionStore, Refusal, check_position
from rollcall.consumer.records import Partition
from rollcall.database.pool import Database
from rollcall.failpoints import Failpoint

ReadLogRanges = Callable[[Sequence[Partition]], Awaitable[Mapping[Partition, LogRange]]]

_KAFKA_TIMEOUT_SECONDS = 5.0


@dataclass(slots=True, frozen=True)
class StartingPoints:
    """Offsets to fetch from, and the partitions that must not be fetched."""

    starts: dict[Partition, int]
    refusals: list[Refusal]


class StartingPointFinder:
    """Reads positions, then the ends of the logs.

    In that order, because a former owner that does not know yet that it has lost a partition may
    still commit: a position read after the log's end could be beyond it without anything being wrong.
    """

    def __init__(
        self, database: Database, positions: PositionStore, log_ranges: ReadLogRanges
    ) -> None:
        self._database = database
        self._positions = positions
        self._log_ranges = log_ranges

    async def find(self, partitions: Sequence[Partition]) -> StartingPoints | None:
        """Give the starting points; None if something moved meanwhile: ask again.

        Raises:
            KafkaError, OSError, TimeoutError, asyncpg.PostgresError: a server does not answer.
        """
        stored = await self._read(partitions)
        failpoints.reached(Failpoint.ASSIGNMENT_POSITIONS_READ)
        logs = await self._log_ranges(partitions)
        failpoints.reached(Failpoint.ASSIGNMENT_LOG_ENDS_READ)
        if new := {p: logs[p].start for p in partitions if p not in stored}:
            async with self._database.acquire() as connection:
                await self._positions.open(connection, new)
            failpoints.reached(Failpoint.ASSIGNMENT_POSITIONS_OPENED)
            return None
        refusals = [r for p in partitions if (r := check_position(p, stored[p], logs[p]))]
        refused = [refusal.partition for refusal in refusals]
        if refused and await self._read(refused) != {p: stored[p] for p in refused}:
            return None
        return StartingPoints({p: stored[p] for p in partitions if p not in refused}, refusals)

    async def _read(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        async with self._database.acquire() as connection:
            return await self._positions.read(connection, partitions)


async def log_ranges(kafka: Any, partitions: Sequence[Partition]) -> dict[Partition, LogRange]:
    """What each partition's log holds now.

    Raises:
        KafkaError, OSError, TimeoutError: Kafka does not answer.
    """
    targets = [TopicPartition(*partition) for partition in partitions]
    async with asyncio.timeout(_KAFKA_TIMEOUT_SECONDS):
        starts = await kafka.beginning_offsets(targets)
        ends = await kafka.end_offsets(targets)
    return {Partition(tp.topic, tp.partition): LogRange(starts[tp], ends[tp]) for tp in targets}
