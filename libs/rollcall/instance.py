"""The working parts of a running service, started, watched and stopped together."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from rollcall import ticks
from rollcall.access.watch import AccessWatch
from rollcall.consumer.chunk_watch import ChunkWatch
from rollcall.consumer.consumer import Consumer
from rollcall.consumer.decoding import Decoder
from rollcall.consumer.known_records import KnownRecords
from rollcall.consumer.processor import ChunkProcessor
from rollcall.consumer.route import Route
from rollcall.database.pool import Database
from rollcall.http import PartitionStatus
from rollcall.outbox.dead_instances import forget_dead_instances
from rollcall.outbox.lane_guard import LaneGuard
from rollcall.outbox.lane_watch import LaneWatch
from rollcall.outbox.relay import Relay
from rollcall.periodic import PeriodicJob, run_for_ever
from rollcall.settings import ServiceSettings
from rollcall.startup import wait_for
from rollcall.supervision import Supervisor
from rollcall.telemetry.coordination_metrics import CoordinationMetrics
from rollcall.telemetry.health import Health, Progress
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology
from rollcall.tracing.opening import open_tracing

log = structlog.get_logger()

_RATE_SAMPLES = 5
_RATE_PAUSE_SECONDS = 1.0


@dataclass(slots=True, frozen=True)
class Work:
    """What an instance works on, and how fast."""

    partitions: list[PartitionStatus]
    lanes: list[int]
    records_total: int
    records_per_second: float


class Instance:
    """Consumer, relay and periodic jobs; the death of any of them ends all."""

    def __init__(
        self,
        settings: ServiceSettings,
        topology: Topology,
        database: Database,
        routes: Sequence[Route],
        jobs: Sequence[PeriodicJob],
        metrics: Metrics,
        health: Health,
        lanes: int,
        http_url: Callable[[], str | None],
        supervisor: Supervisor,
        guard: LaneGuard,
    ) -> None:
        self._supervisor = supervisor
        self._settings = settings
        self._jobs = [*jobs, forget_dead_instances(settings)]
        self._health = health
        self._tracing = open_tracing(settings)
        self._relay = Relay(settings, topology, metrics, http_url, self._tracing, guard.check)
        if settings.redis_url and not settings.filter_enabled:
            CoordinationMetrics(metrics.registry)  # so that dashboards show zero, and not a gap
        self._known = _known_records(settings, database, routes, metrics)
        self._processor = ChunkProcessor(
            settings,
            topology,
            database,
            routes,
            metrics,
            self._wake_relay,
            lanes,
            self._known,
            self._tracing,
        )
        progress = Progress(settings.stall_seconds)
        self._consumer = Consumer(
            settings,
            database,
            self._processor,
            _decoders(settings, topology, routes),
            progress,
            metrics,
            supervisor,
        )
        health.add(progress.problems)
        health.add(self._consumer.ownership.problems)
        health.add_notices(self._consumer.ownership.notices)
        self._chunk_watch = ChunkWatch(database, self._processor.in_hand, metrics)
        health.add(self._processor.in_hand.problems)
        health.add(self._consumer.client_watch.problems)
        health.add(lambda: self._relay.problems)
        self._lane_watch = LaneWatch(
            database, metrics, settings.relay_behind_seconds, lambda: self._relay.owned_lanes
        )
        health.add(self._lane_watch.backlog.problems)
        self._access_watch = AccessWatch(settings, health.problems)
        health.add(self._access_watch.problems)
        self._samples: deque[tuple[float, int]] = deque(maxlen=_RATE_SAMPLES)

    def _wake_relay(self, lanes: Iterable[int]) -> None:
        self._relay.wake(lanes, more_follows=self._consumer.has_backlog)

    async def start(self) -> None:
        """Join the group, waiting for Kafka if need be."""
        await wait_for("Kafka", self._consumer.start)

    async def run_until(self, stop: asyncio.Event) -> None:
        """Work until `stop`, then finish the chunk, flush the relay and leave the group.

        If a part dies, the group is left, too, so that the others need not wait for a timeout.
        """
        try:
            await self._run_parts(stop)
        finally:
            await self._consumer.close()
            if self._known:
                await self._known.close()
            if self._tracing:
                self._tracing.close()

    async def _run_parts(self, stop: asyncio.Event) -> None:
        start = self._supervisor.start
        async with asyncio.TaskGroup() as tasks:
            relay = start(tasks, self._relay.run, "relay")
            consumer = start(tasks, self._consumer.run, "consumer")
            helpers = [
                start(tasks, partial(run_for_ever, job, self._processor), f"job.{job.name}")
                for job in self._jobs
            ]
            helpers.append(start(tasks, self._lane_watch.run, "lanes.watch"))
            helpers.append(start(tasks, self._chunk_watch.run, "chunk.watch"))
            helpers.append(start(tasks, self._access_watch.run, "access.watch"))
            helpers.append(start(tasks, self._sample_rate, "rate"))
            helpers.append(start(tasks, self._announce_ready, "ready", may_return=True))
            await stop.wait()
            self._health.started = False
            await self._stop(consumer, relay)
            for helper in helpers:
                helper.cancel()

    async def _stop(self, consumer: asyncio.Task[None], relay: asyncio.Task[None]) -> None:
        """In order: no new chunks, the last chunk's segments out, then leave."""
        limit_seconds = self._settings.stop_timeout_seconds
        self._consumer.stop()
        await _end(consumer, limit_seconds / 3)
        self._relay.stop()
        await self._consumer.close()
        await _end(relay, limit_seconds / 2)

    async def _announce_ready(self) -> None:
        await self._consumer.ownership.settled.wait()
        await self._relay.wait_settled()
        self._health.started = True
        log.info("service_ready")

    async def _sample_rate(self) -> None:
        while True:
            self._samples.append((time.monotonic(), self._consumer.records_total))
            await ticks.sleep(_RATE_PAUSE_SECONDS)

    def work(self) -> Work:
        """Partitions with lag, lanes and rate, as of now."""
        owned = self._consumer.ownership.positions
        committed = {
            p: offset for p, offset in self._consumer.report.committed.items() if p in owned
        }
        lags = self._consumer.report.lags
        return Work(
            partitions=[
                PartitionStatus(
                    topic=partition.topic,
                    partition=partition.number,
                    next_offset=offset,
                    lag=lags.get(partition, 0),
                )
                for partition, offset in sorted(committed.items())
            ],
            lanes=self._relay.owned_lanes,
            records_total=self._consumer.records_total,
            records_per_second=self._rate(),
        )

    def _rate(self) -> float:
        with contextlib.suppress(IndexError, ZeroDivisionError):
            (began, first), (ended, last) = self._samples[0], self._samples[-1]
            return round((last - first) / (ended - began), 1)
        return 0.0


async def _end(task: asyncio.Task[None], limit_seconds: float) -> None:
    """Let a task end by itself, or else roll back what it is at."""
    await asyncio.wait([task], timeout=limit_seconds)
    if not task.done():
        log.warning("stop_deadline_passed", component=task.get_name())
        task.cancel()
        await asyncio.wait([task], timeout=1)


def _decoders(
    settings: ServiceSettings, topology: Topology, routes: Sequence[Route]
) -> dict[str, Decoder]:
    """A decoder for each topic that carries a handled model, by the topic's name on the cluster."""
    models: dict[str, list[type]] = {}
    for model in (model for route in routes for model in route.models):
        models.setdefault(settings.topic(topology.topic_of(model).name), []).append(model)
    return {name: Decoder(handled, settings.record_max_bytes) for name, handled in models.items()}


def _known_records(
    settings: ServiceSettings, database: Database, routes: Sequence[Route], metrics: Metrics
) -> KnownRecords | None:
    """The filter that the settings ask for. Redis' client is not even imported without one."""
    if not settings.filter_enabled:
        return None
    from rollcall.coordination.chunk_filter import ChunkFilter

    models = [model for route in routes if route.skips_known for model in route.models]
    return ChunkFilter.open(settings, database, models, metrics.registry)
