"""Periodic jobs: each runs in one instance at a time, once in its pause, on the database's clock."""

import asyncio
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rollcall import failpoints
from rollcall.consumer.processor import ChunkProcessor
from rollcall.consumer.transaction import Job, Transaction
from rollcall.failpoints import Failpoint
from rollcall.outbox.event import Event

_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(current_schema()::regnamespace::oid::int, $1)"
# A date in the future is that of a clock that was wrong: it must not keep the job from running.
_CLAIM_TURN = """
INSERT INTO periodic_job AS job (name, started_at) VALUES ($1, now())
ON CONFLICT (name) DO UPDATE SET started_at = now()
WHERE job.started_at <= now() - make_interval(secs => $2) OR job.started_at > now()
RETURNING true
"""
# An instance whose own clock runs a little fast must not find each turn just not due.
_EARLY_SHARE = 0.1


@dataclass(slots=True, frozen=True)
class PeriodicJob:
    """A job with the pause between two runs, in seconds.

    `otherwise` is called where another instance has had the turn.
    """

    name: str
    pause_seconds: float
    job: Job
    otherwise: Callable[[], None] = lambda: None

    @property
    def lock_key(self) -> int:
        """The second key of the job's advisory lock; lanes use the numbers from 0."""
        return -1 - zlib.crc32(self.name.encode()) % (2**31 - 1)

    async def attempt(self, processor: ChunkProcessor) -> bool:
        """Run the job and the jobs that it asks for, if it is due; tells whether it was run here.

        Each of their transactions holds the lock; one that finds it held by another instance does
        nothing, for that one has gone on with the work.
        """
        turn = _Turn(self)
        await processor.run_job(turn.take, turn.is_free)
        if not turn.taken:
            self.otherwise()
        return turn.taken


class _Turn:
    """One attempt at a periodic job."""

    def __init__(self, periodic: PeriodicJob) -> None:
        self._periodic = periodic
        self.taken = False

    async def is_free(self, tx: Transaction) -> bool:
        """Take the job's lock for this transaction, unless another instance holds it."""
        if not await tx.connection.fetchval(_TRY_LOCK, self._periodic.lock_key):
            return False
        failpoints.reached(Failpoint.PERIODIC_LOCKED)
        return True

    async def take(self, tx: Transaction) -> Iterable[Event] | None:
        """Run the job if it is due."""
        least_seconds = self._periodic.pause_seconds * (1 - _EARLY_SHARE)
        due = await tx.connection.fetchval(_CLAIM_TURN, self._periodic.name, least_seconds)
        self.taken = bool(due)
        return await self._periodic.job(tx) if due else ()


async def run_for_ever(periodic: PeriodicJob, processor: ChunkProcessor) -> None:
    """Attempt a job again and again; one that fails is logged, counted and tried after the pause."""
    while True:
        await asyncio.sleep(periodic.pause_seconds)
        await periodic.attempt(processor)
