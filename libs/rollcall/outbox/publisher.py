"""One owned lane: number segments, publish them, forget them; one Kafka transaction at a time."""

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import structlog

from rollcall import failpoints
from rollcall.errors import PublicationOverdueError, SegmentRefusedError
from rollcall.failpoints import Failpoint
from rollcall.outbox.lane_position import LanePosition, check_lane_position
from rollcall.outbox.lane_session import LaneSession
from rollcall.outbox.producer import LaneProducer
from rollcall.outbox.refusals import is_overdue, is_permanent, remedy
from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import OutboxStore, StoredSegment
from rollcall.settings import ServiceSettings
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology

if TYPE_CHECKING:
    from rollcall.tracing.tracing import Tracing

log = structlog.get_logger()

SEGMENTS_PER_TRANSACTION = 32
# After a publication a lane looks by itself for a while; later its owner looks for all its lanes at once.
_POLL_FIRST_SECONDS = 0.02
_POLL_LAST_SECONDS = 0.2
# Between the beginnings of two transactions of a lane while a backlog is worked off; and at any time.
DISTANCE_SECONDS = 0.2
LEAST_DISTANCE_SECONDS = 0.02


class LanePublisher:
    """Publishes one lane until cancelled or until something fails; its owner starts it anew."""

    def __init__(
        self,
        settings: ServiceSettings,
        topology: Topology,
        store: OutboxStore,
        session: LaneSession,
        lane: int,
        metrics: Metrics,
        one_by_one_until: int = 0,
        distance_seconds: float = DISTANCE_SECONDS,
        least_distance_seconds: float = LEAST_DISTANCE_SECONDS,
        tracing: "Tracing | None" = None,
    ) -> None:
        self._store = store
        self._session = session
        self._lane = lane
        self._metrics = metrics
        self._producer = LaneProducer(settings, topology, lane, SegmentCodec(), tracing)
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._more_follows = False
        self._distance_seconds = distance_seconds
        self._least_distance_seconds = least_distance_seconds
        self._began = 0.0
        self._idle = asyncio.Event()
        self._poll_seconds = _POLL_FIRST_SECONDS
        self._one_by_one_until = one_by_one_until
        self.position: LanePosition | None = None

    def wake(self, *, more_follows: bool = False) -> None:
        """Look for segments now, or a little later if more of them are about to come."""
        self._more_follows = more_follows
        if not more_follows:
            self._hurry.set()
        self._wake.set()

    def look(self) -> None:
        """Look for segments if nothing else is under way."""
        self._wake.set()

    async def wait_idle(self) -> None:
        """Return once a look that began after this call found nothing left to publish."""
        self._idle.clear()
        self.wake()
        await self._idle.wait()

    async def run(self) -> None:
        """Take the lane over and publish.

        Raises:
            LanePositionError, SegmentRefusedError: the lane must not go on without an operator.
            PublicationOverdueError: take the lane over again, and publish one by one up to there.
            LaneLostError, KafkaError, OSError, TimeoutError: take the lane over again.
        """
        try:
            position = await self._take_over()
            while True:
                await self._gather()
                segments = await self._next(position)
                if segments:
                    failpoints.reached(Failpoint.LANE_NUMBERED)
                    position = await self._publish(segments)
                else:
                    await self._wait()
        finally:
            await asyncio.shield(self._producer.close())

    async def _take_over(self) -> LanePosition:
        """Fence the former owner, find where it stopped, and publish what it had numbered."""
        position = await self._producer.open()
        failpoints.reached(Failpoint.LANE_POSITION_READ)
        async with self._session.connection() as connection:
            known = await self._store.lane_range(connection, self._lane)
        check_lane_position(self._lane, position, known)
        if position is None:
            # Before the first number is given: see LanePosition.
            position = LanePosition(0)
            await self._producer.note(position)
            failpoints.reached(Failpoint.LANE_FIRST_POSITION_WRITTEN)
        self.position = position
        log.info("lane_taken_over", lane=self._lane, position=position.seq)
        while True:
            one_by_one = position.seq < self._one_by_one_until
            limit = 1 if one_by_one else SEGMENTS_PER_TRANSACTION
            async with self._session.connection() as connection:
                left = await self._store.numbered_after(connection, self._lane, position.seq, limit)
            if not left:
                return position
            failpoints.reached(Failpoint.LANE_LEFT_OVERS_READ)
            position = await self._publish(left, left_over=True)

    async def _gather(self) -> None:
        """Begin transactions at a distance: each costs the broker much beside its records.

        The first after a rest begins at once. Under load the distance is longer, until load ends.
        """
        wait_seconds = self._began + self._distance_seconds - time.monotonic()
        if self._more_follows and wait_seconds > 0:
            self._hurry.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._hurry.wait()
        least_seconds = self._began + self._least_distance_seconds - time.monotonic()
        if least_seconds > 0:
            await asyncio.sleep(least_seconds)

    async def _next(self, position: LanePosition) -> list[StoredSegment]:
        """Forget what is published and number the next segments, in one statement."""
        self._wake.clear()
        async with self._session.connection() as connection:
            return await self._store.take_next(
                connection, self._lane, position.seq, SEGMENTS_PER_TRANSACTION
            )

    async def _publish(
        self, segments: list[StoredSegment], *, left_over: bool = False
    ) -> LanePosition:
        with self._metrics.timed("publication"):
            return await self._send(segments, left_over=left_over)

    async def _send(self, segments: list[StoredSegment], *, left_over: bool) -> LanePosition:
        self._poll_seconds = _POLL_FIRST_SECONDS
        self._began = time.monotonic()
        started = time.perf_counter()
        try:
            if left_over:
                await self._producer.end_earlier(segments)
            position = await self._producer.publish(segments)
        except Exception as error:
            seqs = [segment.seq for segment in segments]
            if is_overdue(error) and len(seqs) > 1:
                raise PublicationOverdueError(self._lane, seqs) from error
            if not is_permanent(error):
                raise
            because = f"{error!r}; {remedy(error)}"
            raise SegmentRefusedError(self._lane, seqs, because) from error
        self.position = position
        self._metrics.relay_transaction_seconds.observe(time.perf_counter() - started)
        self._metrics.relay_segments_total.inc(len(segments))
        return position

    async def _wait(self) -> None:
        """Until woken; while something was published lately, for a pause that grows."""
        if not self._wake.is_set():
            self._idle.set()
        is_active = self._poll_seconds <= _POLL_LAST_SECONDS
        try:
            async with asyncio.timeout(self._poll_seconds if is_active else None):
                await self._wake.wait()
        except TimeoutError:
            self._poll_seconds *= 1.5
