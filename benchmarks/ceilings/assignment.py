"""The assignment SQL alone: take slots, move counters, complete, commit; nothing else.

Each connection is a process of its own, so that PostgreSQL is the limit and not one interpreter, and
works on batches of its own, as partitions see to it. The statements are the service's; claims are
decoded and arranged in columns before the clock starts.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import uvloop

from benchmarks.deployment import SCHEMA, Deployment
from benchmarks.errors import BenchmarkError
from benchmarks.peers import store
from essay_lifecycle_service.domain.claims import Claim, claim_of_content
from essay_lifecycle_service.domain.placement import count_by_batch
from essay_lifecycle_service.store.batches import BatchStore
from essay_lifecycle_service.store.slots import SlotStore
from rollcall_cluster.measuring.load import Load
from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1

_WORKER_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Assignment:
    """One run.

    Attributes:
        seconds: from the first chunk's beginning to the last commit, over all connections.
        stage_seconds: total time of each statement, added up over connections.
    """

    connections: int
    chunk: int
    events: int
    chunks: int
    seconds: float
    stage_seconds: dict[str, float]

    @property
    def events_per_second(self) -> float:
        """All connections together."""
        return self.events / self.seconds


async def measure(deployment: Deployment, connections: int, chunk: int, load: Load) -> Assignment:
    """Share a load among so many connections.

    Raises:
        BenchmarkError: a worker failed, or slots were left open.
    """
    parts = [
        Load(f"{load.name}-{connections}-{chunk}-{n}", load.batches // connections, load.slots)
        for n in range(connections)
    ]
    deployment.settle()
    workers = [await asyncio.to_thread(_start, deployment.dsn, part, chunk) for part in parts]
    try:
        for worker in workers:
            await asyncio.to_thread(_expect_ready, worker)
        found = [
            json.loads(answer)
            for answer in await asyncio.gather(*[asyncio.to_thread(_go, w) for w in workers])
        ]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    seconds = max(f["ended"] for f in found) - min(f["began"] for f in found)
    stages = {name: sum(f["stages"][name] for f in found) for name in found[0]["stages"]}
    events = sum(part.events for part in parts)
    return Assignment(connections, chunk, events, sum(f["chunks"] for f in found), seconds, stages)


def _start(dsn: str, load: Load, chunk: int) -> subprocess.Popen[str]:
    arguments = [dsn, load.name, str(load.batches), str(load.slots), str(chunk)]
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.ceilings.assignment", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _expect_ready(worker: subprocess.Popen[str]) -> None:
    assert worker.stdout is not None
    if worker.stdout.readline().strip() != "ready":
        raise BenchmarkError("a worker of the assignment SQL did not start: see its output above")


def _go(worker: subprocess.Popen[str]) -> str:
    try:
        answer, _ = worker.communicate("go\n", timeout=_WORKER_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError("the assignment SQL took too long") from error
    if worker.returncode != 0:
        raise BenchmarkError("a worker of the assignment SQL failed: see its output above")
    return answer


class _Worker:
    """One connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._slots = SlotStore()
        self._batches = BatchStore()
        self.stages = {"take": 0.0, "count": 0.0, "complete": 0.0, "commit": 0.0}
        self._mark = 0.0

    async def register(self, load: Load) -> None:
        envelope = BatchEssaysRegisteredV1.envelope()
        for message in load.registrations():
            found = envelope.model_validate_json(message.value or b"")
            async with self._connection.transaction():
                await store.insert_batch(self._connection, found.data, found.correlation_id)

    async def run(self, claims: Sequence[Claim]) -> None:
        """One chunk, one transaction."""
        transaction = self._connection.transaction()
        self._mark = time.monotonic()
        await transaction.start()
        placement = await self._slots.take(self._connection, claims)
        self._passed("take")
        if len(placement.taken) != len(claims):
            raise BenchmarkError(f"{len(placement.left)} claims of a chunk got no slot")
        counts = count_by_batch(placement.taken)
        counted = await self._batches.count_taken(self._connection, counts)
        self._passed("count")
        for batch_id in counted.completed:
            await self._batches.complete(self._connection, batch_id)
        self._passed("complete")
        await transaction.commit()
        self._passed("commit")

    def _passed(self, stage: str) -> None:
        now = time.monotonic()
        self.stages[stage] += now - self._mark
        self._mark = now


def _batched(claims: Sequence[Claim], size: int) -> Iterator[Sequence[Claim]]:
    for start in range(0, len(claims), size):
        yield claims[start : start + size]


def _claims(load: Load) -> list[Claim]:
    envelope = EssayContentProvisionedV1.envelope()
    found = [envelope.model_validate_json(message.value or b"") for message in load.contents()]
    return [claim_of_content(each.data, each.correlation_id) for each in found]


async def _work(dsn: str, load: Load, chunk: int) -> None:
    settings = {"search_path": SCHEMA, "jit": "off", "plan_cache_mode": "force_custom_plan"}
    connection = await asyncpg.connect(dsn, server_settings=settings)
    worker = _Worker(connection)
    warm_up = Load(f"{load.name}-warm-up", 2, chunk)
    await worker.register(warm_up)
    await worker.register(load)
    for part in _batched(_claims(warm_up), chunk):
        await worker.run(part)
    chunks = list(_batched(_claims(load), chunk))
    worker.stages = dict.fromkeys(worker.stages, 0.0)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    began = time.monotonic()
    for part in chunks:
        await worker.run(part)
    answer = {
        "began": began,
        "ended": time.monotonic(),
        "chunks": len(chunks),
        "stages": worker.stages,
    }
    print(json.dumps(answer), flush=True)
    await connection.close()


def main() -> None:
    """A worker: prepare, say so, wait for a line, work, tell."""
    dsn, name, batches, slots, chunk = sys.argv[1:]
    uvloop.run(_work(dsn, Load(name, int(batches), int(slots)), int(chunk)))


if __name__ == "__main__":
    main()
