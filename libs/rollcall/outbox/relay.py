"""The relay: shares the lanes among the live instances and runs a publisher for each lane it owns."""

import asyncio
from collections.abc import Callable, Iterable

import asyncpg
import structlog
from aiokafka.errors import KafkaError

from rollcall import failpoints
from rollcall.backoff import Backoff
from rollcall.errors import LaneLostError, LanePositionError
from rollcall.failpoints import Failpoint
from rollcall.outbox.lane_session import LaneSession
from rollcall.outbox.publisher import LanePublisher
from rollcall.outbox.store import OutboxStore
from rollcall.settings import ServiceSettings
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology

log = structlog.get_logger()

_BEAT_SECONDS = 1.0


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
    ) -> None:
        self._settings = settings
        self._topology = topology
        self._metrics = metrics
        self._http_url = http_url
        self._store = OutboxStore()
        self._publishers: dict[int, LanePublisher] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._refused: dict[int, str] = {}
        self._stopping = asyncio.Event()
        self._settled = asyncio.Event()

    @property
    def owned_lanes(self) -> list[int]:
        """The lanes whose publisher runs here."""
        return sorted(self._publishers)

    @property
    def problems(self) -> list[str]:
        """Lanes that must not go on until an operator has decided."""
        return [f"lane {lane} refused: {reason}" for lane, reason in sorted(self._refused.items())]

    def wake(self, lanes: Iterable[int]) -> None:
        """Segments were committed in these lanes by this instance: publish without waiting."""
        for lane in lanes:
            if publisher := self._publishers.get(lane):
                publisher.wake()

    async def wait_settled(self) -> None:
        """Return once the lanes have been shared for the first time."""
        await self._settled.wait()

    async def run(self) -> None:
        """Hold a session and share lanes until `stop` is called."""
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                await self._run_session(backoff)
            except (LaneLostError, OSError, TimeoutError, asyncpg.PostgresError) as error:
                log.warning("lane_session_lost", error=repr(error))
                await backoff.wait()

    def stop(self) -> None:
        """Publish what is there, then leave; `run` returns when that is done or given up."""
        self._stopping.set()

    async def _run_session(self, backoff: Backoff) -> None:
        session = await LaneSession.open(self._settings)
        try:
            failpoints.reached(Failpoint.RELAY_CONNECTED)
            async with session.connection() as connection:
                lanes = await self._store.ensure_lanes(connection, self._settings.lanes)
            while not self._stopping.is_set():
                await self._share(session, lanes)
                self._settled.set()
                backoff.reset()
                await self._pause()
            await self._drain()
            failpoints.reached(Failpoint.RELAY_DRAINED)
            await session.leave()
            failpoints.reached(Failpoint.RELAY_LEFT)
        finally:
            await self._abandon(list(self._publishers))
            await session.close()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), _BEAT_SECONDS)
        except TimeoutError:
            return

    async def _share(self, session: LaneSession, lanes: int) -> None:
        """Own a fair share of the lanes: give up the surplus, take what is free."""
        share = fair_share(lanes, await session.beat(self._http_url()))
        failpoints.reached(Failpoint.RELAY_BEATEN)
        await self._collect_dead(session)
        for lane in self.owned_lanes[share:]:
            await self._release(session, lane)
        for lane in self._preferred(lanes):
            if len(self._publishers) >= share:
                break
            if lane not in self._publishers and await session.try_lock(lane):
                failpoints.reached(Failpoint.LANE_LOCKED)
                self._start(session, lane)
        self._metrics.lanes_owned.set(len(self._publishers))

    def _preferred(self, lanes: int) -> list[int]:
        """Lanes in an order of this instance's own, so that instances do not race for the same one."""
        offset = hash(self._settings.instance_id) % lanes
        return [(offset + lane) % lanes for lane in range(lanes)]

    def _start(self, session: LaneSession, lane: int) -> None:
        publisher = LanePublisher(
            self._settings, self._topology, self._store, session, lane, self._metrics
        )
        self._publishers[lane] = publisher
        self._tasks[lane] = asyncio.create_task(publisher.run(), name=f"lane-{lane}")
        log.info("lane_acquired", lane=lane)

    async def _release(self, session: LaneSession, lane: int) -> None:
        await self._abandon([lane])
        failpoints.reached(Failpoint.LANE_ABANDONED)
        await session.unlock(lane)
        log.info("lane_released", lane=lane)

    async def _collect_dead(self, session: LaneSession) -> None:
        """Notice publishers that ended by themselves and give their lanes up."""
        for lane, publisher in self._publishers.items():
            if publisher.taken_over:
                self._refused.pop(lane, None)
        for lane in [lane for lane, task in self._tasks.items() if task.done()]:
            error = self._tasks[lane].exception()
            await self._release(session, lane)
            if isinstance(error, LanePositionError):
                self._refused[lane] = str(error)
                log.critical("lane_refused", lane=lane, error=str(error))
            elif isinstance(error, KafkaError | OSError | TimeoutError):
                log.warning("lane_lost", lane=lane, error=repr(error))
            elif error is not None:
                raise error

    async def _drain(self) -> None:
        """Publish what this instance's lanes still hold, within a third of the time for a clean stop."""
        waits = [publisher.wait_idle() for publisher in self._publishers.values()]
        try:
            await asyncio.wait_for(asyncio.gather(*waits), self._settings.stop_timeout_seconds / 3)
        except TimeoutError:
            log.warning("relay_drain_incomplete", lanes=self.owned_lanes)

    async def _abandon(self, lanes: list[int]) -> None:
        for lane in lanes:
            self._publishers.pop(lane)
            task = self._tasks.pop(lane)
            task.cancel()
            await asyncio.wait([task])
