"""The relay: shares the lanes among the live instances and runs a publisher for each lane it owns."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import structlog
from aiokafka.errors import KafkaError

from rollcall import failpoints, ticks
from rollcall.backoff import Backoff
from rollcall.cancellation import end
from rollcall.database.failures import DATABASE_ERRORS
from rollcall.errors import LaneLostError
from rollcall.failpoints import Failpoint
from rollcall.outbox.lane_session import LaneSession
from rollcall.outbox.owned_lane import OwnedLane
from rollcall.outbox.publisher import LanePublisher
from rollcall.outbox.store import OutboxStore
from rollcall.settings import ServiceSettings
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology

if TYPE_CHECKING:
    from rollcall.tracing.tracing import Tracing

log = structlog.get_logger()

_BEAT_SECONDS = 1.0
_LOOKS_OF_A_BEAT = 5


def fair_share(lanes: int, instances: int) -> int:
    """How many lanes one of `instances` should own, rounded up so that none is left over."""
    return -(-lanes // max(instances, 1))


class Relay:
    """Owns lanes while its session lives; a lost session is replaced after a pause."""

    def __init__(
        self,
        settings: ServiceSettings,
        topology: Topology,
        metrics: Metrics,
        http_url: Callable[[], str | None],
        tracing: "Tracing | None" = None,
        check_restored: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._settings = settings
        self._topology = topology
        self._metrics = metrics
        self._http_url = http_url
        self._tracing = tracing
        self._check_restored = check_restored
        self._has_been_connected = False
        self._store = OutboxStore()
        self._lanes: dict[int, OwnedLane] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._beat_at: float | None = None
        self._stopping = asyncio.Event()
        self._settled = asyncio.Event()

    @property
    def owned_lanes(self) -> list[int]:
        """The lanes whose publisher runs here."""
        return sorted(self._lanes)

    @property
    def problems(self) -> list[str]:
        """Lanes that must not go on until an operator has decided; a beat that is not heard."""
        found = [problem for _, lane in sorted(self._lanes.items()) if (problem := lane.problem)]
        limit_seconds = self._settings.lane_session_timeout_seconds
        if self._beat_at and (silence := time.monotonic() - self._beat_at) > limit_seconds:
            found.append(
                f"heartbeat missing: PostgreSQL has not taken this instance's beat for {silence:.0f} s"
            )
        return found

    def wake(self, lanes: Iterable[int], *, more_follows: bool = False) -> None:
        """Segments were committed in these lanes by this instance: publish without waiting.

        `more_follows`: further ones are about to be committed, so that gathering some is worthwhile.
        """
        for lane in lanes:
            if owned := self._lanes.get(lane):
                owned.wake(more_follows=more_follows)

    async def wait_settled(self) -> None:
        """Return once the lanes have been shared for the first time."""
        await self._settled.wait()

    async def run(self) -> None:
        """Hold a session and share lanes until `stop` is called."""
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                await self._run_session(backoff)
            except (LaneLostError, *DATABASE_ERRORS) as error:
                log.warning("lane_session_lost", error=repr(error))
                await backoff.wait()

    def stop(self) -> None:
        """Publish what is there, then leave; `run` returns when that is done or given up."""
        self._stopping.set()

    async def _run_session(self, backoff: Backoff) -> None:
        session = await LaneSession.open(self._settings)
        try:
            failpoints.reached(Failpoint.RELAY_CONNECTED)
            await self._refuse_restored()
            async with session.connection() as connection:
                lanes = await self._store.ensure_lanes(connection, self._settings.lanes)
            while not self._stopping.is_set():
                alive = await self._share(session, lanes)
                self._settled.set()
                backoff.reset()
                await self._look_until_next_beat(session, 1 if alive == 1 else _LOOKS_OF_A_BEAT)
            await self._drain()
            failpoints.reached(Failpoint.RELAY_DRAINED)
        finally:
            await self._abandon(list(self._lanes))
            with contextlib.suppress(LaneLostError):  # then the others notice its silence
                await session.leave()
            failpoints.reached(Failpoint.RELAY_LEFT)
            await session.close()

    async def _refuse_restored(self) -> None:
        """A database that comes back may be another: a standby that lagged, or a restored copy.

        Raises:
            DatabaseRestoredError: it is behind what Kafka holds: this process must not work on it.
        """
        if self._has_been_connected and self._check_restored:
            try:
                await self._check_restored()
            except (KafkaError, OSError, TimeoutError) as error:
                raise LaneLostError(f"lanes cannot be compared with Kafka: {error!r}") from error
        self._has_been_connected = True

    async def _look_until_next_beat(self, session: LaneSession, looks: int) -> None:
        """Find what others have written into lanes of this one, with one query for all.

        Where there is no other instance, operators' orders are all that can have.
        """
        for _ in range(looks):
            with contextlib.suppress(TimeoutError):
                pause_seconds = ticks.seconds_until_tick(_BEAT_SECONDS / looks)
                await asyncio.wait_for(self._stopping.wait(), pause_seconds)
                return
            async with session.connection() as connection:
                waiting = await self._store.waiting(connection, self.owned_lanes)
            for lane in waiting:
                if owned := self._lanes.get(lane):
                    owned.look()

    async def _share(self, session: LaneSession, lanes: int) -> int:
        """Own a fair share of the lanes: give up the surplus, take what is free; returns how many live."""
        alive = await session.beat(self._http_url())
        share = fair_share(lanes, alive)
        self._beat_at = time.monotonic()
        failpoints.reached(Failpoint.RELAY_BEATEN)
        await self._collect_dead(session)
        for lane in self.owned_lanes[share:]:
            await self._release(session, lane)
        for lane in self._preferred(lanes):
            if len(self._lanes) >= share:
                break
            if lane not in self._lanes and await session.try_lock(lane):
                failpoints.reached(Failpoint.LANE_LOCKED)
                self._start(session, lane)
        self._metrics.lanes_owned.set(len(self._lanes))
        return alive

    def _preferred(self, lanes: int) -> list[int]:
        """Lanes in an order of this instance's own, so that instances do not race for the same one."""
        offset = hash(self._settings.instance_id) % lanes
        return [(offset + lane) % lanes for lane in range(lanes)]

    def _start(self, session: LaneSession, lane: int) -> None:
        make_publisher = partial(
            LanePublisher,
            self._settings,
            self._topology,
            self._store,
            session,
            lane,
            self._metrics,
            tracing=self._tracing,
        )
        owned = OwnedLane(lane, make_publisher)
        self._lanes[lane] = owned
        self._tasks[lane] = asyncio.create_task(owned.run(), name=f"lane-{lane}")
        log.info("lane_acquired", lane=lane)

    async def _release(self, session: LaneSession, lane: int) -> None:
        await self._abandon([lane])
        failpoints.reached(Failpoint.LANE_ABANDONED)
        await session.unlock(lane)
        log.info("lane_released", lane=lane)

    async def _collect_dead(self, session: LaneSession) -> None:
        """Notice lanes whose publisher ended for a cause outside, and give them up."""
        for lane in [lane for lane, task in self._tasks.items() if task.done()]:
            error = self._tasks[lane].exception()
            await self._release(session, lane)
            if isinstance(error, KafkaError | OSError | TimeoutError):
                log.warning("lane_lost", lane=lane, error=repr(error))
            elif error is not None:
                raise error

    async def _drain(self) -> None:
        """Publish what this instance's lanes still hold, within a third of the time for a clean stop."""
        waits = [lane.wait_idle() for lane in self._lanes.values()]
        try:
            await asyncio.wait_for(asyncio.gather(*waits), self._settings.stop_timeout_seconds / 3)
        except TimeoutError:
            log.warning("relay_drain_incomplete", lanes=self.owned_lanes)

    async def _abandon(self, lanes: list[int]) -> None:
        for lane in lanes:
            self._lanes.pop(lane)
            await end(self._tasks.pop(lane))
