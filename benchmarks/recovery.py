"""Recovery: every replica is stopped while a backlog piles up, then started again."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise

from rich.console import Console

from benchmarks import machine, progress, results
from benchmarks.contestants import parse
from benchmarks.run import Conditions, Stage, open_stage
from benchmarks.summary import summarise
from rollcall_cluster.measuring.load import Load
from rollcall_cluster.measuring.progress import Sample

_SLOWEST_EVENTS_PER_SECOND = 500


async def benchmark(
    console: Console, conditions: Conditions, peak_load: Load, backlog: Load, rounds: int
) -> bool:
    """Measure, print, keep the raw results; returns whether every answer was right."""
    figures: dict[str, list[float]] = {"peak/s": [], "recovery/s": [], "recovery / peak": []}
    problems: list[str] = []
    traces: list[Sequence[tuple[float, int]]] = []
    for number in range(1, rounds + 1):
        async with open_stage(conditions, parse("rollcall:1")) as stage:
            await stage.warm_up()
            seconds, _ = await stage.run(peak_load)
            peak = peak_load.events / seconds
            console.print(f"round {number}: {backlog.events:,} events pile up")
            rate, samples = await _recover(stage, backlog)
            problems += await stage.problems([peak_load, backlog])
        for name, value in zip(figures, (peak, rate, rate / peak), strict=True):
            figures[name].append(value)
        traces.append([(round(each.at - samples[0].at, 2), each.handled) for each in samples])
        console.print(f"round {number}: peak {peak:,.0f}/s, recovery {rate:,.0f}/s")
    file = results.write(
        "recovery",
        {
            "backlog": asdict(backlog),
            **machine.describe(conditions.servers),
            "problems": problems,
            "figures": {} if problems else figures,
            "samples": traces,
        },
    )
    ratio = summarise(figures["recovery / peak"])
    console.print(f"recovery of {backlog.events:,} events at {ratio.median:.2f} of the peak rate")
    console.print(*problems, f"raw results: {file}", sep="\n", markup=False)
    return not problems


async def _recover(stage: Stage, backlog: Load) -> tuple[float, list[Sample]]:
    """The rate from the first progress to the last announcement."""
    await stage.register(backlog)
    await asyncio.to_thread(stage.replicas.stop)
    await stage.hold(backlog)
    await stage.feeder.release()
    stage.replicas.start()
    handled = progress.handled(stage.deployment)
    limit = 120 + backlog.events / _SLOWEST_EVENTS_PER_SECOND
    sampling = asyncio.create_task(
        progress.sample_until(stage.deployment, handled + backlog.events, limit)
    )
    await stage.provisioned(backlog)
    finished = time.monotonic()
    samples = await sampling
    started = next(
        (before for before, after in pairwise(samples) if after.handled > handled),
        samples[0],
    )
    return backlog.events / (finished - started.at), samples
