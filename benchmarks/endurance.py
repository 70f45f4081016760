"""Passes of one load on fresh tables, on full ones, and beside a transaction that is held open.

The three deployments take turns, pass by pass, so that a slow moment of the machine hits all.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
from rich.console import Console
from rich.table import Table

from benchmarks import machine, results
from benchmarks.contestants import parse
from benchmarks.deployment import Deployment
from benchmarks.filling import SLOTS, fill
from benchmarks.run import Conditions, Stage, open_stage
from benchmarks.summary import paired_ratios, summarise
from rollcall_cluster.embedded import EmbeddedServer
from rollcall_cluster.measuring.load import Load

FRESH, FILLED, HELD = "fresh", "filled", "held"


@dataclass(frozen=True, slots=True)
class Pass:
    """One load, worked off.

    Attributes:
        table_bytes: growth of the database, for each event.
        log_bytes: growth of Kafka's log directory, for each event: its input is in it as well.
        cpu_us: for each event, by process. It tells more certainly than a rate what a pass costs.
    """

    kind: str
    number: int
    events: int
    seconds: float
    peak_rss_bytes: int
    others_share: float
    table_bytes: float
    log_bytes: float
    cpu_us: Mapping[str, float]

    @property
    def events_per_second(self) -> float:
        """The rate of the pass."""
        return self.events / self.seconds


async def benchmark(
    console: Console,
    conditions: Conditions,
    load: Load,
    filled_events: int,
    seconds: float,
    fewest_passes: int = 3,
) -> bool:
    """Measure for so long, print, keep the raw results; returns whether every answer was right."""
    passes: list[Pass] = []
    async with AsyncExitStack() as stack:
        stages = {
            kind: await stack.enter_async_context(open_stage(conditions, parse("rollcall:1")))
            for kind in (FRESH, FILLED, HELD)
        }
        filled = await asyncio.to_thread(
            fill,
            stages[FILLED].deployment,
            filled_events,
            lambda written: console.print(f"finished contents: {written:,} of {filled_events:,}"),
        )
        stages[FILLED].registered = filled // SLOTS
        for stage in stages.values():
            await stage.warm_up()
        await stack.enter_async_context(_held_open(stages[HELD].deployment))
        loads: list[Load] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end or len(loads) < fewest_passes:
            loads.append(Load(f"pass-{uuid4()}", load.batches, load.slots))
            for kind, stage in stages.items():
                passes.append(await _pass(stage, kind, len(loads), loads[-1]))
                console.print(_story(passes[-1]))
        held_seconds = time.monotonic() - end + seconds
        wrong = [
            f"{kind}: {problem}"
            for kind, stage in stages.items()  # the filled tables hold what nobody was given
            for problem in await stage.problems(loads, by_tables=kind != FILLED)
        ]
    console.print(table(passes))
    file = results.write(
        "endurance",
        {
            "load": asdict(load),
            "filled_events": filled,
            "held_seconds": held_seconds,
            **machine.describe(conditions.servers),
            "problems": wrong,
            "figures": {} if wrong else figures(passes),
            "passes": [
                asdict(each) | {"events_per_second": round(each.events_per_second, 1)}
                for each in passes
            ],
        },
    )
    console.print(*wrong, f"raw results: {file}", sep="\n", markup=False)
    return not wrong


def figures(passes: Sequence[Pass]) -> dict[str, list[float]]:
    """Ratios to the fresh pass of the same round; of the held ones, the later half alone."""
    rates: dict[str, dict[int, float]] = {FRESH: {}, FILLED: {}, HELD: {}}
    for each in passes:
        rates[each.kind][each.number] = each.events_per_second
    later = sorted(rates[HELD])[len(rates[HELD]) // 2 :]
    fresh = [each for each in passes if each.kind == FRESH]
    first, last = fresh[min(1, len(fresh) - 1)], fresh[-1]
    return {
        "filled / fresh": list(paired_ratios(rates[FILLED], rates[FRESH])),
        "held / fresh": list(
            paired_ratios({number: rates[HELD][number] for number in later}, rates[FRESH])
        ),
        "memory growth %": [100 * (last.peak_rss_bytes / first.peak_rss_bytes - 1)],
        "table bytes": [each.table_bytes for each in fresh],
        "log bytes": [each.log_bytes for each in fresh],
        **_cpu_figures(passes),
    }


def _cpu_figures(passes: Sequence[Pass]) -> dict[str, list[float]]:
    """Of each process, by kind of table."""
    found: dict[str, list[float]] = {}
    for each in passes:
        for party, used in each.cpu_us.items():
            found.setdefault(f"{each.kind} {party} cpu us", []).append(used)
    return found


def table(passes: Sequence[Pass]) -> Table:
    """Rates by kind of table."""
    parties = ("replica", "postgres", "kafka")
    shown = Table("tables", "passes", "median events/s", "lowest", "highest")
    for party in parties:
        shown.add_column(f"{party} CPU us/ev")
    used = _cpu_figures(passes)
    for kind in (FRESH, FILLED, HELD):
        chosen = [each.events_per_second for each in passes if each.kind == kind]
        rate = summarise(chosen)
        cells: Mapping[str, float] = asdict(rate)
        costs = (summarise(used[f"{kind} {party} cpu us"]).median for party in parties)
        shown.add_row(
            kind,
            str(len(chosen)),
            *(f"{cell:,.0f}" for cell in cells.values()),
            *(f"{cost:,.1f}" for cost in costs),
        )
    return shown


@asynccontextmanager
async def _held_open(deployment: Deployment) -> AsyncIterator[None]:
    """A transaction with an id and a snapshot: nothing that dies meanwhile can be cleaned up."""
    connection = await asyncpg.connect(deployment.dsn)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.fetchval("SELECT pg_current_xact_id()")
            yield
    finally:
        await connection.close()


async def _pass(stage: Stage, kind: str, number: int, load: Load) -> Pass:
    servers = stage.deployment.servers
    before = stage.deployment.size_bytes(), _folder_bytes(servers.kafka)
    (replica,) = stage.replicas.all
    replica.forget_peak()
    seconds, used = await stage.run(load)
    stage.deployment.settle()
    after = stage.deployment.size_bytes(), _folder_bytes(servers.kafka)
    table_bytes, log_bytes = ((b - a) / load.events for a, b in zip(before, after, strict=True))
    return Pass(
        kind,
        number,
        load.events,
        seconds,
        replica.peak_rss_bytes,
        round(used.others_share, 3),
        table_bytes,
        log_bytes,
        used.each_us(load.events),
    )


def _folder_bytes(server: object) -> int:
    """What a server of ours has on disk; 0 for one of somebody else."""
    if not isinstance(server, EmbeddedServer):
        return 0
    return sum(_size(file) for file in server.data_directory.rglob("*.log"))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0  # deleted meanwhile


def _story(each: Pass) -> str:
    return (
        f"pass {each.number}, {each.kind}: {each.events_per_second:,.0f}/s,"
        f" peak {each.peak_rss_bytes / 2**20:.0f} MB, others' CPU {each.others_share:.0%}"
    )
