"""Chunks with duplicates, with the filter and without it: PostgreSQL and Redis for real, no Kafka."""

import asyncio
import time
import uuid
from collections.abc import Sequence

from essay_lifecycle_service.completions import Completions
from essay_lifecycle_service.domain.deadline import DeadlineDefaults
from essay_lifecycle_service.handlers import EssayLifecycle
from essay_lifecycle_service.metrics import OutcomeMetrics
from essay_lifecycle_service.settings import EssayLifecycleSettings
from essay_lifecycle_service.store.batches import BatchStore
from essay_lifecycle_service.store.slots import SlotStore
from essay_lifecycle_service.store.traces import TraceStore
from essay_lifecycle_service.store.unplaced import UnplacedStore
from rollcall import Database
from rollcall.consumer.chunk import Chunk, Span
from rollcall.consumer.decoding import Decoder
from rollcall.consumer.positions import PositionStore
from rollcall.consumer.processor import ChunkProcessor
from rollcall.consumer.records import InputRecord, Partition
from rollcall.consumer.route import Route
from rollcall.coordination import Coordination
from rollcall.coordination.chunk_filter import ChunkFilter
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology
from rollcall_cluster.measuring.load import Load
from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1
from rollcall_events.topics import TOPICS

CHUNK_RECORDS = 1000
_PARTITION = Partition("in", 0)
_LANES = 4
_REWRITE_LIMIT_SECONDS = 60.0


class Side:
    """One replica without Kafka, with or without the filter, on a group of its own."""

    def __init__(self, dsn: str, redis_url: str | None) -> None:
        self.settings = EssayLifecycleSettings.model_validate(
            {
                "postgres_dsn": dsn,
                "database_schema": "els",
                "consumer_group": f"bench-{uuid.uuid4().hex[:8]}",
                "redis_url": redis_url,
            }
        )
        self.database = Database(self.settings)
        self.known: ChunkFilter | None = None
        if redis_url is not None:
            coordination = Coordination(redis_url, self.database, connections=2)
            group = self.settings.consumer_group
            marks = coordination.idempotency_filter(group)
            self.known = ChunkFilter(coordination, marks, group, [EssayContentProvisionedV1], 1.0)
        metrics = Metrics()
        self._processor = ChunkProcessor(
            self.settings,
            Topology(TOPICS),
            self.database,
            _routes(metrics),
            metrics,
            lambda lanes: None,
            _LANES,
            self.known,
        )
        self._offset = 0

    async def open(self) -> None:
        """Connect."""
        await self.database.open()
        async with self.database.acquire() as connection:
            positions = PositionStore(self.settings.consumer_group)
            await positions.open(connection, {_PARTITION: 0})

    async def close(self) -> None:
        """Disconnect."""
        if self.known:
            await self.known.close()
        await self.database.close()

    async def records_per_second(self, duplicates: float, chunks: int) -> float:
        """Handle chunks of which so large a share was handled in chunks before."""
        new = CHUNK_RECORDS - int(CHUNK_RECORDS * duplicates)
        load = Load(f"filter-{uuid.uuid4().hex}", 10, (CHUNK_RECORDS + chunks * new) // 10 + 1)
        contents = [message.value or b"" for message in load.contents()]
        await self._handle([m.value or b"" for m in load.registrations()], BatchEssaysRegisteredV1)
        before = contents[:CHUNK_RECORDS]
        await self._handle(before, EssayContentProvisionedV1)
        took = 0.0
        for n in range(chunks):
            first = CHUNK_RECORDS + n * new
            values = contents[first : first + new] + before[: CHUNK_RECORDS - new]
            took += await self._handle(values, EssayContentProvisionedV1)
        return chunks * CHUNK_RECORDS / took

    async def _handle(self, values: Sequence[bytes], model: type) -> float:
        """Seconds for one chunk, its marks included; decoding is not."""
        decoder = Decoder([model], self.settings.record_max_bytes)
        items = [
            decoder.decode(InputRecord(_PARTITION, self._offset + n, None, value, (), -1))
            for n, value in enumerate(values)
        ]
        span = Span(self._offset, self._offset + len(items))
        self._offset = span.next
        began = time.perf_counter()
        await self._processor.process(Chunk(items, {_PARTITION: span}, 1), lambda: True)
        if self.known and self.known.marking:
            await self.known.marking
        return time.perf_counter() - began


def _routes(metrics: Metrics) -> list[Route]:
    outcomes = OutcomeMetrics(metrics.registry)
    batches, slots, traces = BatchStore(), SlotStore(), TraceStore()
    completions = Completions(batches, slots, traces, outcomes)
    lifecycle = EssayLifecycle(
        batches, slots, UnplacedStore(), traces, completions, DeadlineDefaults(), outcomes
    )
    return [
        Route(frozenset({BatchEssaysRegisteredV1}), lifecycle.register),
        Route(frozenset({EssayContentProvisionedV1}), lifecycle.provision, skips_known=True),
    ]


async def look_up_seconds(coordination: Coordination, resident: int, rounds: int) -> list[float]:
    """Look-ups of 1,000 ids, every tenth of them marked, among so many marks.

    Half as many again are marked before, so that the oldest have been forgotten and Redis' table has its size.
    """
    marks = coordination.idempotency_filter("look-ups", max_ids=resident)
    ids: list[bytes] = []
    for _ in range(resident * 3 // 2 // 10_000):
        ids = [uuid.uuid4().bytes for _ in range(10_000)]
        await marks.mark(dict.fromkeys(ids, bytes(32)))
    await _log_is_rewritten(coordination)
    took = []
    for n in range(rounds):
        first = n * 100 % len(ids)
        asked = [*ids[first : first + 100], *(uuid.uuid4().bytes for _ in range(900))]
        began = time.perf_counter()
        found = await marks.look_up(asked)
        took.append(time.perf_counter() - began)
        assert len(found) == 100, len(found)
    return took


async def _log_is_rewritten(coordination: Coordination) -> None:
    """So many marks have Redis rewrite its log, in a process that takes a core from the measurement."""
    deadline = time.monotonic() + _REWRITE_LIMIT_SECONDS
    while b"aof_rewrite_in_progress:1" in await coordination.server.command("INFO", "persistence"):
        if time.monotonic() > deadline:
            raise TimeoutError("Redis still rewrites its log")
        await asyncio.sleep(0.1)
