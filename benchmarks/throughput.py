"""Events per second, end to end, of every contestant side by side in interleaved rounds."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks import machine, results
from benchmarks.load import Load
from benchmarks.replicas import Contestant
from benchmarks.run import DISTURBED_SHARE, Conditions, Measurement, measure, rehearse
from benchmarks.summary import Summary, paired_ratios, summarise

TARGET_RATIO = 15.0
_STORY_CHARS = 400


async def benchmark(
    console: Console,
    conditions: Conditions,
    contestants: Sequence[Contestant],
    load: Load,
    rounds: int,
) -> bool:
    """Measure, print, keep the raw results; returns whether every answer was right."""
    for problem in await rehearse(conditions, contestants, load):
        console.print(f"[red]rehearsal[/]: {escape(problem[:_STORY_CHARS])}")
    measurements: list[Measurement] = []
    for number in range(1, rounds + 1):
        for contestant in contestants:
            for attempt in await measure(conditions, contestant, load, number):
                console.print(_progress(contestant, attempt))
                measurements.append(attempt)
    console.print(rates_table(measurements), costs_table(measurements), ratios_table(measurements))
    file = results.write(
        "throughput",
        {
            "load": asdict(load),
            **machine.describe(conditions.servers),
            "ratios": {
                f"{ours} / {peer}": asdict(ratio)
                for (ours, peer), ratio in ratios(measurements).items()
            },
            "measurements": [item.raw() for item in measurements],
        },
    )
    console.print(f"raw results: {file}")
    return not any(item.problems for item in measurements)


def by_contestant(measurements: Sequence[Measurement]) -> Mapping[str, list[Measurement]]:
    """Measurements under names such as `rollcall x3`, in order of appearance."""
    groups: dict[str, list[Measurement]] = {}
    for item in measurements:
        groups.setdefault(f"{item.contestant} x{item.replicas}", []).append(item)
    return groups


def calmest(measurements: Sequence[Measurement]) -> Mapping[int, Measurement]:
    """For each round, of the right answers the one that others disturbed least."""
    found: dict[int, Measurement] = {}
    for item in measurements:
        if not item.problems:
            rival = found.setdefault(item.round, item)
            if item.others_share < rival.others_share:
                found[item.round] = item
    return found


def ratios(measurements: Sequence[Measurement]) -> Mapping[tuple[str, str], Summary]:
    """Each rollcall against each peer, round by round."""
    rates = {
        name: {number: item.events_per_second for number, item in calmest(items).items()}
        for name, items in by_contestant(measurements).items()
    }
    found = {}
    for ours in (name for name in rates if name.startswith("rollcall")):
        for peer in (name for name in rates if not name.startswith("rollcall")):
            if values := paired_ratios(rates[ours], rates[peer]):
                found[ours, peer] = summarise(values)
    return found


def rates_table(measurements: Sequence[Measurement]) -> Table:
    """Events per second with spread, and whether the answers were right."""
    table = Table(
        "contestant", "events", "median events/s", "lowest", "highest", "spread", "answer"
    )
    table.title = "End to end: released input to last completion, read_committed"
    for name, items in by_contestant(measurements).items():
        wrong = sum(bool(item.problems) for item in items)
        verdict = f"[red]WRONG in {wrong} of {len(items)}" if wrong else f"right, {len(items)}x"
        row = [name, f"{items[0].events:,}", "-", "-", "-", "-", verdict]
        if chosen := calmest(items).values():
            rate = summarise([item.events_per_second for item in chosen])
            row[2:6] = [
                f"{rate.median:,.0f}",
                f"{rate.lowest:,.0f}",
                f"{rate.highest:,.0f}",
                f"{rate.spread:.0%}",
            ]
        table.add_row(*row)
    return table


def costs_table(measurements: Sequence[Measurement]) -> Table:
    """What an event costs: CPU time by process, WAL, memory; medians."""
    table = Table("contestant", "replica CPU us/ev", "PostgreSQL", "Kafka", "WAL bytes/ev")
    table.add_column("peak RSS MB")
    table.add_column(f"others' CPU (disturbed above {DISTURBED_SHARE:.0%})")
    for name, items in by_contestant(measurements).items():
        costs = [(item, item.usage) for item in calmest(items).values() if item.usage]
        if not costs:
            continue
        columns = [
            [1e6 * used.replicas / item.events for item, used in costs],
            [1e6 * used.postgres / item.events for item, used in costs],
            [1e6 * used.kafka / item.events for item, used in costs],
            [used.wal_bytes / item.events for item, used in costs],
            [item.peak_rss_bytes / 2**20 for item, _ in costs],
        ]
        others = summarise([item.others_share for item, _ in costs])
        table.add_row(
            name,
            *(f"{summarise(column).median:,.0f}" for column in columns),
            f"{others.median:.0%}, at most {others.highest:.0%}",
        )
    return table


def ratios_table(measurements: Sequence[Measurement]) -> Table:
    """Ratios of interleaved rounds against the target."""
    table = Table("ratio", "median", "lowest", "highest", f"target {TARGET_RATIO:.0f}x")
    for (ours, peer), ratio in ratios(measurements).items():
        reached = "[green]reached" if ratio.median >= TARGET_RATIO else "[red]missed"
        table.add_row(
            f"{ours} / {peer}",
            f"{ratio.median:.1f}x",
            f"{ratio.lowest:.1f}x",
            f"{ratio.highest:.1f}x",
            reached,
        )
    return table


def _progress(contestant: Contestant, measurement: Measurement) -> str:
    start = f"round {measurement.round}: {contestant.name}: "
    if measurement.problems:
        story = "; ".join(measurement.problems)
        return f"{start}[red]WRONG[/]: {escape(story[:_STORY_CHARS])}"
    return (
        f"{start}{measurement.events:,} events in {measurement.seconds:.2f} s ="
        f" {measurement.events_per_second:,.0f}/s, others' CPU {measurement.others_share:.0%}"
    )
