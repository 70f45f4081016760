"""Periodic jobs: each runs in one instance at a time, on the database's clock."""

import asyncio
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from rollcall import failpoints
from rollcall.consumer.processor import ChunkProcessor
from rollcall.consumer.transaction import Job, Transaction
from rollcall.failpoints import Failpoint
from rollcall.outbox.event import Event

_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(current_schema()::regnamespace::oid::int, $1)"


@dataclass(slots=True, frozen=True)
class PeriodicJob:
    """A job with the pause between two runs, in seconds."""

    name: str
    pause_seconds: float
    job: Job

    @property
    def lock_key(self) -> int:
        """The second key of the job's advisory lock; lanes use the numbers from 0."""
        return -1 - zlib.crc32(self.name.encode()) % (2**31 - 1)

    async def run_exclusively(self, tx: Transaction) -> Iterable[Event]:
        """Run the job unless another instance is running it now."""
        if not await tx.connection.fetchval(_TRY_LOCK, self.lock_key):
            return ()
        failpoints.reached(Failpoint.PERIODIC_LOCKED)
        return await self.job(tx)


async def run_for_ever(periodic: PeriodicJob, processor: ChunkProcessor) -> None:
    """Run a job again and again; one that fails is logged, counted and tried after the pause."""
    while True:
        await asyncio.sleep(periodic.pause_seconds)
        await processor.run_job(periodic.run_exclusively)
