"""All ceilings, in interleaved rounds."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle, islice
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import machine, results
from benchmarks.ceilings import assignment, interpreter, kafka
from benchmarks.ceilings.assignment import Assignment
from benchmarks.ceilings.commit import commits_per_second
from benchmarks.deployment import Deployment
from benchmarks.run import Conditions
from benchmarks.summary import summarise
from rollcall_cluster.measuring.feeding import Feeder
from rollcall_cluster.measuring.load import Load
from rollcall_events import EssayContentProvisionedV1

CONNECTIONS = (1, 2, 4)
CHUNKS = (100, 250, 500, 1000, 2000)
CHUNK = 1000
"""What the service's chunks are by default."""
TRANSACTIONS = (100, 1000, 5000, 20_000)
"""Records of a producer's transaction."""
_TRANSACTIONS_OF_A_SIZE = 8
"""The first of them is left out: it has to find its partitions."""


@dataclass(slots=True)
class Ceilings:
    """What was measured: rates by name, and the samples that the model is fitted to."""

    figures: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    assignments: list[Assignment] = field(default_factory=list)
    transactions: list[kafka.Transaction] = field(default_factory=list)


async def benchmark(
    console: Console, conditions: Conditions, load: Load, rounds: int, chunks: Sequence[int]
) -> bool:
    """Measure, print, keep the raw results."""
    found = Ceilings()
    for number in range(1, rounds + 1):
        await _round(found, conditions, load, chunks)
        console.print(f"round {number} of {rounds}: done")
    console.print(table(found.figures))
    file = results.write(
        "ceilings",
        {
            "load": asdict(load),
            **machine.describe(conditions.servers),
            "figures": found.figures,
            "assignments": [asdict(item) for item in found.assignments],
            "transactions": [asdict(item) for item in found.transactions],
        },
    )
    console.print(f"raw results: {file}", markup=False)
    return True


async def _round(
    found: Ceilings, conditions: Conditions, load: Load, chunks: Sequence[int]
) -> None:
    for name, seconds in interpreter.measure(min(load.events, 20_000), CHUNK).items():
        found.figures[f"{name} us"].append(1e6 * seconds)
        found.figures[f"{name}/s"].append(1 / seconds)
    name = f"bench-ceilings-{time.time_ns():x}"
    async with Deployment(conditions.servers, name) as deployment:
        await _database(found, deployment, load, chunks)
        await _kafka(found, deployment, load)


async def _database(
    found: Ceilings, deployment: Deployment, load: Load, chunks: Sequence[int]
) -> None:
    ways = {*((n, CHUNK) for n in CONNECTIONS), *((1, n) for n in chunks)}
    for connections, chunk in sorted(ways):
        run = await assignment.measure(deployment, connections, chunk, load)
        found.assignments.append(run)
        found.figures[f"assignment {connections}x{chunk}/s"].append(run.events_per_second)
    for connections in CONNECTIONS:
        rate = await commits_per_second(deployment, connections, 2.0)
        found.figures[f"commits {connections}/s"].append(rate)


async def _kafka(found: Ceilings, deployment: Deployment, load: Load) -> None:
    messages = list(load.contents())
    async with Feeder(deployment.bootstrap_servers, deployment.prefix) as feeder:
        await feeder.send(deployment.topic(EssayContentProvisionedV1), messages)
    found.figures["drain/s"].append(load.events / await kafka.drain(deployment, load))
    for each in TRANSACTIONS:
        part = list(islice(cycle(messages), each * _TRANSACTIONS_OF_A_SIZE))
        _, *warm = await kafka.produce(deployment, part, each, f"produce-{each}")
        found.transactions += warm
        rate = each * len(warm) / sum(one.seconds for one in warm)
        found.figures[f"produce {each}/s"].append(rate)


def table(figures: dict[str, list[float]]) -> Table:
    """Every rate with its extremes."""
    shown = Table("alone", "median", "lowest", "highest")
    for name, values in figures.items():
        each = summarise(values)
        cells: Iterable[Any] = (
            f"{x:,.1f}" if x < 100 else f"{x:,.0f}"
            for x in (each.median, each.lowest, each.highest)
        )
        shown.add_row(name, *cells)
    return shown
