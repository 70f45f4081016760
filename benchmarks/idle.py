"""What a replica costs that has nothing to do: CPU time, database queries, Kafka requests."""

import asyncio
import json
from collections import Counter
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from benchmarks import machine, results, usage
from benchmarks.contestants import parse
from benchmarks.counted_replica import COUNTS
from benchmarks.run import Conditions, Stage, open_stage
from benchmarks.summary import summarise
from benchmarks.usage import Usage

_SETTLE_SECONDS = 5.0


async def benchmark(console: Console, conditions: Conditions, seconds: float, rounds: int) -> bool:
    """Measure, print, keep the raw results; each round has a length of `seconds`."""
    plain = parse("rollcall:1")
    counted = replace(
        plain, module="benchmarks.counted_replica", arguments=(plain.module, *plain.arguments)
    )
    async with open_stage(conditions, plain) as stage:
        await _settle(stage)
        used = [await _used(stage, seconds) for _ in range(rounds)]
    async with open_stage(conditions, counted) as stage:
        await _settle(stage)
        first = _counts(stage)
        await asyncio.sleep(seconds)
        counts = {name: n - first[name] for name, n in _counts(stage).items()}
    figures = {
        "cpu %": [100 * each.replicas / seconds for each in used],
        "postgres cpu %": [100 * each.postgres / seconds for each in used],
        "kafka cpu %": [100 * each.kafka / seconds for each in used],
        "wal bytes/s": [each.wal_bytes / seconds for each in used],
        "queries/s": [counts.get("queries", 0) / seconds],
        "kafka requests/s": [counts.get("kafka requests", 0) / seconds],
    }
    table = Table("an idle replica", "")
    for name, values in figures.items():
        table.add_row(name, f"{summarise(values).median:,.2f}")
    console.print(table)
    file = results.write(
        "idle",
        {
            "seconds": seconds,
            **machine.describe(conditions.servers),
            "figures": figures,
            "counts": counts,
        },
    )
    console.print(f"raw results: {file}", markup=False)
    return True


async def _used(stage: Stage, seconds: float) -> Usage:
    before = usage.measure(stage.deployment, stage.replicas)
    await asyncio.sleep(seconds)
    return usage.measure(stage.deployment, stage.replicas).since(before)


async def _settle(stage: Stage) -> None:
    await stage.warm_up()
    await asyncio.sleep(_SETTLE_SECONDS)


def _counts(stage: Stage) -> Counter[str]:
    (replica,) = stage.replicas.all
    return Counter(json.loads((replica.state / COUNTS).read_text()))
