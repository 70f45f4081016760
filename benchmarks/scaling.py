"""Scaling: 1, 3 and 5 replicas, each with the same small share of a core, all with backlog."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from benchmarks import machine, progress, results
from benchmarks.contestants import parse
from benchmarks.run import Conditions, open_stage
from benchmarks.summary import summarise
from benchmarks.usage import measure
from rollcall_cluster.measuring.load import Load
from rollcall_cluster.measuring.progress import rate, steady
from rollcall_cluster.measuring.quota import limited

REPLICAS = (1, 3, 5)
PARTITIONS = 60
SHARE_OF_CORE = 0.1
EXPECTED_RATE = 2_500
"""Events a second of one limited replica, from above: the backlog has to outlast the window."""
_PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class ScalingRun:
    """One run; `rate` is that of the steady state."""

    replicas: int
    round: int
    rate: float
    samples: Sequence[tuple[float, int]]
    others_share: float


async def benchmark(
    console: Console, conditions: Conditions, seconds: float, rounds: int, share_of_core: float
) -> bool:
    """Measure, print, keep the raw results."""
    runs: list[ScalingRun] = []
    for number in range(1, rounds + 1):
        for replicas in REPLICAS:
            run = await _measure(conditions, replicas, number, seconds, share_of_core)
            runs.append(run)
            console.print(
                f"round {number}: {replicas} replicas: {run.rate:,.0f}/s,"
                f" others' CPU {run.others_share:.0%}"
            )
    console.print(table(runs))
    file = results.write(
        "scaling",
        {
            **machine.describe(conditions.servers),
            "share_of_core": share_of_core,
            "partitions": PARTITIONS,
            "figures": figures(runs),
            "runs": [asdict(run) for run in runs],
        },
    )
    console.print(f"raw results: {file}", markup=False)
    return all(run.rate > 0 for run in runs)


def figures(runs: Sequence[ScalingRun]) -> dict[str, list[float]]:
    """Rates by replicas, and the factors over one replica of the same round."""
    found: dict[str, list[float]] = {}
    for run in runs:
        found.setdefault(f"rate x{run.replicas}", []).append(run.rate)
        for base in runs:
            if base.round == run.round and base.replicas == 1 != run.replicas and base.rate:
                found.setdefault(f"factor x{run.replicas}", []).append(run.rate / base.rate)
    return found


def table(runs: Sequence[ScalingRun]) -> Table:
    """Rates and factors."""
    shown = Table("replicas", "median events/s", "lowest", "highest", "factor")
    found = figures(runs)
    for replicas in sorted({run.replicas for run in runs}):
        rate = summarise(found[f"rate x{replicas}"])
        factors = found.get(f"factor x{replicas}")
        factor = f"{summarise(factors).median:.2f}x" if factors else "1"
        shown.add_row(
            str(replicas),
            f"{rate.median:,.0f}",
            f"{rate.lowest:,.0f}",
            f"{rate.highest:,.0f}",
            factor,
        )
    return shown


async def _measure(
    conditions: Conditions, replicas: int, number: int, seconds: float, share_of_core: float
) -> ScalingRun:
    """Quotas begin after the warm-up: nobody is measured while it loads its modules."""
    events = EXPECTED_RATE * replicas * seconds * share_of_core / SHARE_OF_CORE
    load = Load("scaling", max(60, round(events / 200)), 200)
    contestant = parse(f"rollcall:{replicas}")
    async with open_stage(conditions, contestant, PARTITIONS) as stage:
        await stage.warm_up()
        await stage.prepare(load)
        end = stage.warm_up_load.events + load.events
        pids = [replica.pid for replica in stage.replicas.all]
        with limited(pids, share_of_core):
            before = measure(stage.deployment, stage.replicas)
            began = time.monotonic()
            await stage.feeder.release()
            samples = await progress.sample_until(
                stage.deployment, end, 3 * seconds + _PATIENCE_SECONDS
            )
            used = measure(stage.deployment, stage.replicas).since(before)
        chosen = steady(samples, end)
        await stage.provisioned(load)
        wrong = await stage.problems([load])
    if wrong:
        chosen = []
    return ScalingRun(
        replicas,
        number,
        rate(chosen),
        [(round(each.at - began, 3), each.handled) for each in samples],
        round(used.others_share, 3),
    )
