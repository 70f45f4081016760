"""Redis dies under those who hold its locks, comes back, and forgets everything; batches go on meanwhile."""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

from rollcall import Database
from rollcall.coordination import Coordination
from rollcall.errors import CoordinationError
from rollcall_cluster.embedded import EmbeddedServer
from rollcall_cluster.scenarios.findings import BarPlot, Finding
from rollcall_cluster.scenarios.stage import Stage
from rollcall_cluster.scenarios.verdicts import Row, required
from rollcall_cluster.testing.batches import content, message
from rollcall_events import BatchContentProvisioningCompletedV1

_LEASE_SECONDS = 1.0
_LOCK_WAIT_SECONDS = 2.0
_PAUSE_SECONDS = 0.05
_WRITES = 20
_BATCHES, _SLOTS = 5, 20
_FORGET = "DELETE FROM fence WHERE resource = $1"


class Journal:
    """Fenced writes to one resource: the moment and the fencing number of each, in order."""

    def __init__(self, database: Database) -> None:
        self.resource = f"scenario-{uuid.uuid4().hex[:10]}"
        self.writes: list[tuple[float, int]] = []
        self._database = database

    async def write_on(self, program: Coordination) -> None:
        """Lock, write under the fence, give back, for ever; failures of Redis are waited out."""
        while True:
            try:
                await self._write(program)
            except CoordinationError:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _write(self, program: Coordination) -> None:
        lock = program.lock(
            self.resource, lease_seconds=_LEASE_SECONDS, wait_seconds=_LOCK_WAIT_SECONDS
        )
        async with (
            lock as hold,
            self._database.acquire() as connection,
            connection.transaction(),
        ):
            await hold.fence(connection)
            # Holders take turns from the fence to the commit, so this is the order of the writes.
            self.writes.append((time.monotonic(), hold.number))

    async def wait_for(self, more: int, limit_seconds: float) -> float:
        """Return once there are so many more writes; the moment of the first of them."""
        seen, deadline = len(self.writes), time.monotonic() + limit_seconds
        while len(self.writes) < seen + more:
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {limit_seconds:g} s: {more} writes under a lock")
            await asyncio.sleep(_PAUSE_SECONDS)
        return self.writes[seen][0]

    async def forget(self) -> None:
        """Leave no fence behind."""
        async with self._database.acquire() as connection:
            await connection.execute(_FORGET, self.resource)


async def run(
    stage: Stage,
    programs: Sequence[Coordination],
    database: Database,
    redis: EmbeddedServer,
    finding: Finding,
) -> None:
    """Writers before, during and after; batches in the middle of it."""
    journal = Journal(database)
    async with _writers(journal, programs):
        await journal.wait_for(_WRITES, stage.limit_seconds)
        stage.on_step("Redis is killed; batches go on without it")
        await asyncio.to_thread(redis.kill)
        completed = await _complete_batches(stage)
        stage.on_step("Redis is started again")
        await asyncio.to_thread(redis.start, owner_pid=os.getpid())
        back_seconds = await _seconds_until_written(journal, stage)
        stage.on_step("Redis forgets everything")
        await programs[0].server.command("FLUSHALL")
        forgotten_seconds = await _seconds_until_written(journal, stage)
    await journal.forget()
    numbers = [number for _, number in journal.writes]
    finding.rows += [
        required("batches completed while Redis was away", completed, _BATCHES),
        required(
            "fenced writes out of order, death and loss of data included",
            disorders(numbers),
            0,
            f"{len(numbers):,} writes",
        ),
        _recovery("Redis back -> first write under a lock", back_seconds),
        _recovery("all data of Redis lost -> first write under a lock", forgotten_seconds),
    ]
    finding.plots.append(
        BarPlot(
            "until the first write under a lock",
            " s",
            {"after death": back_seconds, "after loss of data": forgotten_seconds},
        )
    )


def disorders(numbers: Sequence[int]) -> int:
    """How often a number is not above the one before it."""
    return sum(later <= earlier for earlier, later in pairwise(numbers))


@asynccontextmanager
async def _writers(journal: Journal, programs: Sequence[Coordination]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(journal.write_on(program)) for program in programs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    failed = [e for e in ended if isinstance(e, Exception)]
    if failed:
        raise failed[0]


async def _complete_batches(stage: Stage) -> int:
    """How many of these batches are completed, each once, although Redis does not answer."""
    places = await stage.partitions_in_turns()
    batches = await stage.sender.register([_SLOTS] * _BATCHES)
    for batch_id in batches:
        messages = [message(content(batch_id, number)) for number in range(_SLOTS)]
        partitions = [places[number % len(places)] for number in range(_SLOTS)]
        await stage.sender.send_contents(messages, partitions, str(batch_id))
    await stage.settle()
    told = [len(stage.outputs.of(BatchContentProvisioningCompletedV1, each)) for each in batches]
    return sum(each == 1 for each in told)


async def _seconds_until_written(journal: Journal, stage: Stage) -> float:
    began = time.monotonic()
    first = await journal.wait_for(_WRITES, stage.limit_seconds)
    return round(first - began, 2)


def _recovery(name: str, seconds: float) -> Row:
    return Row(name, seconds, " s")
