"""A replica without Kafka: the service's handlers behind a real chunk processor on real connections."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from essay_lifecycle_service.completions import Completions
from essay_lifecycle_service.deadlines import Deadlines
from essay_lifecycle_service.domain.deadline import DeadlineDefaults
from essay_lifecycle_service.handlers import EssayLifecycle
from essay_lifecycle_service.metrics import OutcomeMetrics, SweepMetrics
from essay_lifecycle_service.settings import EssayLifecycleSettings
from essay_lifecycle_service.store.batches import BatchStore
from essay_lifecycle_service.store.slots import SlotStore
from essay_lifecycle_service.store.traces import TraceStore
from essay_lifecycle_service.store.unplaced import UnplacedStore
from essay_lifecycle_service.sweep import Sweep
from rollcall import Database, Received, Transaction
from rollcall.consumer.chunk import Chunk, Span
from rollcall.consumer.decoding import Decoder
from rollcall.consumer.known_records import KnownRecords
from rollcall.consumer.positions import PositionStore
from rollcall.consumer.processor import ChunkProcessor
from rollcall.consumer.records import InputRecord, Partition
from rollcall.consumer.route import Route
from rollcall.periodic import PeriodicJob
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology
from rollcall_events import (
    BatchEssaysRegisteredV1,
    EssayContentProvisionedV1,
    EssayValidationFailedV1,
    EventData,
)
from rollcall_events.topics import TOPICS
from tests.db.events import message

LANES = 4
NO_DEADLINE = DeadlineDefaults()
MODELS: tuple[type[EventData], ...] = (
    BatchEssaysRegisteredV1,
    EssayContentProvisionedV1,
    EssayValidationFailedV1,
)
MODELS_BY_TYPE = {model.event_type: model for model in MODELS}

Hook = Callable[[Sequence[Received[Any]], Transaction], Awaitable[Any]]


class Replica:
    """One instance of the service, fed by hand.

    `before` and `after` run inside each chunk's transaction, before and after the service's handlers:
    with them a test holds a transaction open, or makes it fail. `on_segments` is called in place of the relay.
    """

    def __init__(
        self,
        database: Database,
        settings: EssayLifecycleSettings,
        before: Hook | None = None,
        after: Hook | None = None,
        deadlines: DeadlineDefaults = NO_DEADLINE,
        known: KnownRecords | None = None,
    ) -> None:
        self.database = database
        self.next_offset: dict[int, int] = defaultdict(int)
        self.is_current = True
        self.on_segments: Callable[[Iterable[int]], None] = lambda lanes: None
        self.metrics = Metrics()
        self.sweep_metrics = SweepMetrics(self.metrics.registry)
        self.outcome_metrics = OutcomeMetrics(self.metrics.registry)
        self._lifecycle, self._sweep = _service(deadlines, self.outcome_metrics, self.sweep_metrics)
        self._positions = PositionStore(settings.consumer_group)
        self._decoders = {model: Decoder([model], settings.record_max_bytes) for model in MODELS}
        self._processor = ChunkProcessor(
            settings,
            Topology(TOPICS),
            database,
            [*_hooked(before), *_routes(self._lifecycle), *_hooked(after)],
            self.metrics,
            lambda lanes: self.on_segments(lanes),
            LANES,
            known,
        )

    async def handle(self, *records: EventData | bytes | InputRecord, partition: int = 0) -> None:
        """Handle records as one chunk, the next of `partition`."""
        await self.process(await self.chunk(*records, partition=partition))

    async def process(self, chunk: Chunk) -> None:
        """Handle a chunk."""
        await self._processor.process(chunk, lambda: self.is_current)

    async def sweep(self) -> None:
        """Run the service's periodic job once."""
        await self.run(PeriodicJob("sweep", 0, self._sweep.run))

    async def run(self, periodic: PeriodicJob) -> bool:
        """Attempt a periodic job once; tells whether it was run here."""
        return await periodic.attempt(self._processor)

    async def chunk(self, *records: EventData | bytes | InputRecord, partition: int = 0) -> Chunk:
        """Put records at the end of a partition as this replica knows it."""
        source = Partition("in", partition)
        expected = self.next_offset[partition]
        async with self.database.acquire() as connection:
            await self._positions.open(connection, {source: 0})
        items = []
        for offset, record in enumerate(records, expected):
            raw = record if isinstance(record, InputRecord) else _raw(source, record)
            raw.partition, raw.offset = source, offset
            items.append(self._decoders[_model(raw.value)].decode(raw))
        self.next_offset[partition] = expected + len(records)
        return Chunk(items, {source: Span(expected, expected + len(records))}, generation=1)


@asynccontextmanager
async def open_replica(
    dsn: str,
    name: str = "replica",
    *,
    connections: int = 3,
    before: Hook | None = None,
    after: Hook | None = None,
    deadlines: DeadlineDefaults = NO_DEADLINE,
    known: KnownRecords | None = None,
) -> AsyncIterator[Replica]:
    """A replica on the database at `dsn`, with so many connections of its own."""
    settings = EssayLifecycleSettings.model_validate(
        {
            "postgres_dsn": dsn,
            "instance_id": name,
            "database_schema": "els",
            "database_pool_size": connections,
        }
    )
    database = Database(settings)
    await database.open()
    try:
        yield Replica(database, settings, before, after, deadlines, known)
    finally:
        await database.close()


def _service(
    defaults: DeadlineDefaults, outcomes: OutcomeMetrics, metrics: SweepMetrics
) -> tuple[EssayLifecycle, Sweep]:
    batches, slots, unplaced = BatchStore(), SlotStore(), UnplacedStore()
    traces = TraceStore()
    completions = Completions(batches, slots, traces, outcomes)
    lifecycle = EssayLifecycle(batches, slots, unplaced, traces, completions, defaults, outcomes)
    deadlines = Deadlines(batches, slots, completions, lifecycle)
    return lifecycle, Sweep(lifecycle, deadlines, batches, unplaced, metrics)


def _routes(lifecycle: EssayLifecycle) -> list[Route]:
    return [
        Route(frozenset({BatchEssaysRegisteredV1}), lifecycle.register),
        Route(
            frozenset({EssayContentProvisionedV1, EssayValidationFailedV1}),
            lifecycle.provision,
            skips_known=True,
            keeps_plans=True,
        ),
    ]


def _hooked(hook: Hook | None) -> list[Route]:
    return [Route(frozenset(MODELS), hook, keeps_plans=True)] if hook else []


def _raw(source: Partition, record: EventData | bytes) -> InputRecord:
    value = record if isinstance(record, bytes) else message(record)
    return InputRecord(source, 0, None, value, (), -1)


def _model(value: bytes | None) -> type[EventData]:
    """The model whose topic a record would stand in; content for a broken one."""
    try:
        return MODELS_BY_TYPE[orjson.loads(value or b"")["event_type"]]
    except (ValueError, KeyError, TypeError):
        return EssayContentProvisionedV1
