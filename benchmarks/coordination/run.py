"""Locks, filter and their peers in one run, in interleaved rounds."""

import logging
from collections.abc import Mapping, Sequence

import structlog
from rich.console import Console
from rich.table import Table

from benchmarks import machine, results
from benchmarks.coordination import filtering, locks
from benchmarks.run import Conditions
from benchmarks.summary import summarise
from essay_lifecycle_service import migrations_folders
from rollcall import Database
from rollcall.coordination import Coordination
from rollcall.database.migrations import migrate
from rollcall_cluster.measuring.redis_timing import TimedServer

_CONNECTIONS = 16
# Short turns: a machine is quicker for seconds when another process keeps its cores from sleeping.
_TURNS, _PAIRS_IN_A_TURN = 100, 30
_SHARES = (0.0, 0.1, 0.5, 0.9)

Figures = dict[str, list[float]]


async def benchmark(
    console: Console, conditions: Conditions, rounds: int, contenders: int = 100
) -> bool:
    """Measure, print, keep the raw results."""
    dsn, url = conditions.servers.postgres.address, conditions.servers.redis.address
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    migrate(dsn, "els", migrations_folders())
    figures: Figures = {}
    sides = filtering.Side(dsn, None), filtering.Side(dsn, url)
    for side in sides:
        await side.open()
    for _ in range(rounds):
        _add(figures, await _locks(url, sides[0].database, contenders))
        _add(figures, await _filter(url, sides[0].database, sides))
    for side in sides:
        await side.close()
    _show(console, figures)
    described = machine.describe(conditions.servers)
    file = results.write("coordination", {"rounds": rounds, **described, "figures": figures})
    console.print(f"raw results: {file}", markup=False)
    return True


async def _locks(url: str, database: Database, contenders: int) -> dict[str, float]:
    client = locks.peer(url, _CONNECTIONS)
    async with client, Coordination(url, database, connections=_CONNECTIONS) as program:
        pairs = locks.ours(program, "alone"), locks.redis_py(client, "alone by redis-py")
        for pair in pairs:
            await locks.pairs_per_second(pair, 100)
        found: dict[str, list[float]] = {"ours": [], "redis-py": []}
        for _ in range(_TURNS):
            found["ours"].append(await locks.pairs_per_second(pairs[0], _PAIRS_IN_A_TURN))
            found["redis-py"].append(await locks.pairs_per_second(pairs[1], _PAIRS_IN_A_TURN))
        ours, theirs = (summarise(found[name]).median for name in ("ours", "redis-py"))
        return {
            "lock pairs/s": ours,
            "redis-py lock pairs/s": theirs,
            "lock / redis-py": ours / theirs,
        } | await _contended(url, database, client, program, contenders)


async def _contended(
    url: str, database: Database, client: object, program: Coordination, contenders: int
) -> dict[str, float]:
    timed = TimedServer(url, answer_seconds=20, connections=_CONNECTIONS)
    async with Coordination.on(timed, database) as contended:
        ours = locks.Contention()
        rate = await ours.ours(contended, contenders, 20)
    peer = locks.Contention()
    peer_rate = await peer.redis_py(client, contenders, 2)  # type: ignore[arg-type]
    return {
        f"{contenders} contenders, pairs/s": rate,
        f"{contenders} contenders, redis-py pairs/s": peer_rate,
        "operation p95 ms": locks.percentile_ms(timed.took, 95),
        "hand-over p50 ms": locks.percentile_ms(ours.hand_overs, 50),
        "hand-over p99 ms": locks.percentile_ms(ours.hand_overs, 99),
        "redis-py hand-over p99 ms": locks.percentile_ms(peer.hand_overs, 99),
    }


async def _filter(
    url: str, database: Database, sides: Sequence[filtering.Side]
) -> dict[str, float]:
    found: dict[str, float] = {}
    async with Coordination(url, database) as program:
        took = await filtering.look_up_seconds(program, 400_000, 500)
        found["look-up of 1,000 ids p50 ms"] = locks.percentile_ms(took, 50)
        found["look-up of 1,000 ids p95 ms"] = locks.percentile_ms(took, 95)
    for share in _SHARES:
        without = await sides[0].records_per_second(share, 8)
        with_filter = await sides[1].records_per_second(share, 8)
        name = f"{share:.0%} duplicates"
        found[f"{name}, without records/s"] = without
        found[f"{name}, filter records/s"] = with_filter
        found[f"{name}, filter / without"] = with_filter / without
    return found


def _add(figures: Figures, found: Mapping[str, float]) -> None:
    for name, value in found.items():
        figures.setdefault(name, []).append(value)


def _show(console: Console, figures: Figures) -> None:
    table = Table("coordination", "median", "lowest", "highest")
    for name, values in figures.items():
        summary = summarise(values)
        row = (summary.median, summary.lowest, summary.highest)
        table.add_row(name, *(f"{value:,.2f}" for value in row))
    console.print(table)
