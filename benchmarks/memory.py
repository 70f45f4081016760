"""Resident memory of one replica against the size and the number of batches."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from rich.console import Console
from rich.table import Table

from benchmarks import machine, results
from benchmarks.contestants import parse
from benchmarks.run import Conditions, Measurement, measure
from benchmarks.summary import Summary, summarise
from rollcall_cluster.measuring.load import Load

SMALL = Load("small", batches=10, slots=100)
MANY = Load("many", batches=1_000, slots=100)
LARGE = Load("large", batches=10, slots=10_000)
LOADS = (SMALL, MANY, LARGE)


async def benchmark(console: Console, conditions: Conditions, rounds: int) -> bool:
    """Measure, print, keep the raw results; returns whether every answer was right.

    Of `many` ten batches take turns at a time, as of the other two, and it has as many events as
    `large`: what the two share is the cost of a backlog, what they do not is the cost of large
    batches. `small` is over before there is a backlog.
    """
    conditions = replace(conditions, patience_seconds=0, attempts=1)  # memory is not time
    contestant = parse("rollcall:1")
    measurements: dict[str, list[Measurement]] = {load.name: [] for load in LOADS}
    for number in range(1, rounds + 1):
        for load in LOADS:
            (measurement,) = await measure(conditions, contestant, load, number)
            measurements[load.name].append(measurement)
            peak = measurement.peak_rss_bytes / 2**20
            outcome = "; ".join(measurement.problems) or f"peak {peak:.1f} MB"
            told = f"round {number}: {load.batches} x {load.slots}: {outcome}"
            console.print(told, markup=False)
    console.print(memory_table(measurements))
    file = results.write(
        "memory",
        {
            "loads": [asdict(load) for load in LOADS],
            **machine.describe(conditions.servers),
            "figures": figures(measurements),
            "measurements": {
                name: [item.raw() for item in items] for name, items in measurements.items()
            },
        },
    )
    console.print(f"raw results: {file}", markup=False)
    return not any(item.problems for items in measurements.values() for item in items)


def peaks(measurements: Sequence[Measurement]) -> Summary | None:
    """Peak resident memory in MB of the runs with right answers."""
    right = [item.peak_rss_bytes / 2**20 for item in measurements if not item.problems]
    return summarise(right) if right else None


def figures(measurements: Mapping[str, Sequence[Measurement]]) -> dict[str, list[float]]:
    """Peaks in MB by load, and the growth from the others to the large one, round by round."""
    found = {
        f"{name} peak MB": [item.peak_rss_bytes / 2**20 for item in items if not item.problems]
        for name, items in measurements.items()
    }
    larges = found[f"{LARGE.name} peak MB"]
    for name, base in (("large growth", MANY), ("backlog growth", SMALL)):
        pairs = zip(found[f"{base.name} peak MB"], larges, strict=False)
        found[f"{name} %"] = [100 * (large / other - 1) for other, large in pairs]
    return found


def memory_table(measurements: Mapping[str, Sequence[Measurement]]) -> Table:
    """Peak memory of each load and its growth over the small one."""
    table = Table("load", "events", "warm RSS MB", "peak RSS MB", "lowest", "highest", "growth")
    base = peaks(measurements[SMALL.name])
    for load in LOADS:
        items = measurements[load.name]
        peak = peaks(items)
        if base is None or peak is None:
            table.add_row(f"{load.batches} x {load.slots}", f"{load.events:,}", "[red]WRONG")
            continue
        warm = summarise([item.idle_rss_bytes / 2**20 for item in items]).median
        growth = peak.median - base.median
        table.add_row(
            f"{load.batches} x {load.slots}",
            f"{load.events:,}",
            f"{warm:.1f}",
            f"{peak.median:.1f}",
            f"{peak.lowest:.1f}",
            f"{peak.highest:.1f}",
            f"{growth:+.1f} MB ({growth / base.median:+.1%})",
        )
    return table
