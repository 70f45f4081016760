"""The coordination library under contention, while its Redis dies, and after it has forgotten everything."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from pydantic import BaseModel

from rollcall import Database, ServiceSettings
from rollcall.coordination import Coordination
from rollcall.errors import FailureLimitError, StateConflictError
from rollcall_cluster.embedded import EmbeddedServer
from rollcall_cluster.measuring.latency import percentile
from rollcall_cluster.measuring.redis_timing import TimedServer
from rollcall_cluster.scenarios import redis_outage
from rollcall_cluster.scenarios.findings import BarPlot, Finding, Plot
from rollcall_cluster.scenarios.instances import Histogram
from rollcall_cluster.scenarios.stage import Stage
from rollcall_cluster.scenarios.targets import REDIS_P95
from rollcall_cluster.scenarios.verdicts import Row, required

_WORKERS, _VISITS = 8, 10
_MEMBERS, _OWNERS = 30, 45
_ATTEMPTS, _LIMIT = 20, 5
_WAIT_SECONDS = 60.0
_ANSWER_SECONDS = 5.0
_CONNECTIONS = 8
_REDIS_SECONDS = "rollcall_redis_seconds"
_NO_REDIS = "the deployment names no Redis: set ROLLCALL_REDIS_URL"
_NOT_OURS = "Redis is not ours to break: it is with embedded servers (--servers embedded)"


class Visits(BaseModel):
    """A state that many change."""

    count: int = 0


@dataclass(slots=True)
class Programs:
    """As many programs as instances, each with connections of its own, on one Redis."""

    every: list[Coordination]
    timed: list[TimedServer]
    database: Database
    prefix: str

    def of(self, number: int) -> Coordination:
        """The program of a worker."""
        return self.every[number % len(self.every)]


async def run(stage: Stage, finding: Finding) -> None:
    """Contention on any Redis; death and loss of data where Redis is ours."""
    if not stage.environment.get("ROLLCALL_REDIS_URL"):
        finding.rows.append(REDIS_P95.row(None, not_measured=_NO_REDIS))
        return
    before = await stage.instances.histograms(_REDIS_SECONDS)
    async with _programs(stage) as programs:
        stage.on_step(f"{_WORKERS} workers of each of {len(programs.every)} programs, one lock")
        finding.rows += await _contention(programs)
        took_ms = [1000 * seconds for server in programs.timed for seconds in server.took]
        finding.rows.append(
            REDIS_P95.row(
                round(percentile(took_ms, 95), 2),
                f"{len(took_ms):,} operations under contention, turns included",
            )
        )
        finding.plots.append(_plot(took_ms))
        redis = stage.cluster.servers.redis if stage.cluster else None
        if isinstance(redis, EmbeddedServer):
            await redis_outage.run(stage, programs.every, programs.database, redis, finding)
        else:
            finding.rows.append(Row("failure and recovery", None, not_measured=_NOT_OURS))
    finding.plots += await _by_instance(stage, before)


async def _contention(programs: Programs) -> list[Row]:
    lost, disordered = await _exclusive_visits(programs)
    return [
        required("increments under a lock that were lost", lost, 0, f"{_total(programs)} visits"),
        required("fencing numbers out of order", disordered, 0),
        required(
            f"{_OWNERS} owners for {_MEMBERS} members, members given to two",
            await _doubly_given(programs),
            0,
        ),
        required(
            f"{_ATTEMPTS} attempts at once, {_LIMIT} allowed, made",
            await _attempts_made(programs),
            _LIMIT,
        ),
        required("verified writes of a state that were lost", await _lost_states(programs), 0),
    ]


def _total(programs: Programs) -> int:
    return _WORKERS * len(programs.every) * _VISITS


async def _exclusive_visits(programs: Programs) -> tuple[int, int]:
    """Read, let others run, write: without exclusion, increments are lost."""
    key = f"{programs.prefix}:visits"
    numbers: list[int] = []

    async def worker(number: int) -> None:
        program = programs.of(number)
        for _ in range(_VISITS):
            async with program.lock("room", lease_seconds=20, wait_seconds=_WAIT_SECONDS) as hold:
                numbers.append(hold.number)
                seen = int(await program.server.command("GET", key) or 0)
                await asyncio.sleep(0)
                await program.server.command("SET", key, seen + 1)

    await asyncio.gather(*(worker(n) for n in range(_WORKERS * len(programs.every))))
    counted = int(await programs.of(0).server.command("GET", key))
    return _total(programs) - counted, redis_outage.disorders(numbers)


async def _doubly_given(programs: Programs) -> int:
    """Owners ask side by side, each at a program of its own, twice."""
    pools = [program.slot_pool("members") for program in programs.every]
    await pools[0].fill(f"member-{number}" for number in range(_MEMBERS))
    asked = [
        pools[number % len(pools)].assign(f"owner-{number % _OWNERS}")
        for number in range(2 * _OWNERS)
    ]
    await asyncio.gather(*asked)
    assigned = await pools[0].assigned()
    missing = _MEMBERS - len(assigned)
    return missing + len(assigned) - len(set(assigned.values()))


async def _attempts_made(programs: Programs) -> int:
    counters = [program.failure_counter("item", limit=_LIMIT) for program in programs.every]
    made = 0

    async def attempt(number: int) -> None:
        nonlocal made
        try:
            await counters[number % len(counters)].count("item")
        except FailureLimitError:
            return
        made += 1

    await asyncio.gather(*(attempt(number) for number in range(_ATTEMPTS)))
    return made


async def _lost_states(programs: Programs) -> int:
    """Everybody adds one; who was overtaken reads again."""
    stores = [program.state_store("visits", Visits) for program in programs.every]

    async def add_one(number: int) -> None:
        store = stores[number % len(stores)]
        while True:
            stored = await store.load("room")
            value, version = (stored.value, stored.version) if stored else (Visits(), 0)
            try:
                await store.save("room", Visits(count=value.count + 1), version=version)
            except StateConflictError:
                continue
            return

    adders = _WORKERS * len(stores)
    await asyncio.gather(*(add_one(number) for number in range(adders)))
    stored = await stores[0].load("room")
    return adders - (stored.value.count if stored else 0)


@asynccontextmanager
async def _programs(stage: Stage) -> AsyncIterator[Programs]:
    """Programs under a prefix of their own, of which nothing stays."""
    prefix = f"scenario-{uuid.uuid4().hex[:10]}"
    url = stage.environment["ROLLCALL_REDIS_URL"]
    settings = ServiceSettings.model_validate(
        {
            "service_name": "scenarios",
            "postgres_dsn": stage.environment["ROLLCALL_POSTGRES_DSN"],
            "database_schema": stage.environment["ROLLCALL_DATABASE_SCHEMA"],
        }
    )
    async with AsyncExitStack() as stack:
        database = Database(settings)
        await database.open()
        stack.push_async_callback(database.close)
        timed = [
            TimedServer(url, answer_seconds=_ANSWER_SECONDS, connections=_CONNECTIONS)
            for _ in range(max(1, stage.instances.count))
        ]
        every = [
            await stack.enter_async_context(Coordination.on(server, database, prefix))
            for server in timed
        ]
        try:
            yield Programs(every, timed, database, prefix)
        finally:
            await _forget(timed[0], prefix)


async def _forget(server: TimedServer, prefix: str) -> None:
    """Delete every key under the prefix."""
    keys = [key async for key in server.client.scan_iter(match=f"{prefix}*", count=1000)]
    for key in keys:
        await server.command("UNLINK", key)


async def _by_instance(stage: Stage, before: Mapping[str, Histogram]) -> list[Plot]:
    """What the instances' own operations took, if they use Redis at all: their filter may be off."""
    after = await stage.instances.histograms(_REDIS_SECONDS)
    means = {url: each.since(before[url]).mean for url, each in after.items()}
    bars = {url: round(1000 * mean, 2) for url, mean in means.items() if mean is not None}
    return [BarPlot("Redis operations of the instances, mean", " ms", bars)] if bars else []


def _plot(took_ms: list[float]) -> BarPlot:
    return BarPlot(
        "Redis operations under contention",
        " ms",
        {f"P{percent}": round(percentile(took_ms, percent), 2) for percent in (50, 90, 95, 99)},
        {"target": REDIS_P95.ours.value},
    )
