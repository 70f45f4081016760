"""Events per second, end to end, of every contestant side by side in interleaved rounds."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks import machine, results
from benchmarks.replicas import Contestant
from benchmarks.run import DISTURBED_SHARE, Conditions, Measurement, measure, rehearse
from benchmarks.summary import Summary, paired_ratios, summarise
from rollcall_cluster.measuring.load import Load

_OURS = "rollcall"
_STORY_CHARS = 400


async def benchmark(
    console: Console,
    conditions: Conditions,
    contestants: Sequence[Contestant],
    load: Load,
    rounds: int,
) -> bool:
    """Measure, print, keep the raw results; returns whether every answer was right."""
    for contestant in contestants:
        problems = await rehearse(conditions, contestant, load)
        story = f"[red]{escape('; '.join(problems)[:_STORY_CHARS])}[/]" if problems else "done"
        console.print(f"rehearsal: {contestant.name}: {story}")
    measurements: list[Measurement] = []
    for number in range(1, rounds + 1):
        for contestant in in_turn(contestants, number):
            for attempt in await measure(conditions, contestant, load, number):
                console.print(_progress(contestant, attempt))
                measurements.append(attempt)
    console.print(rates_table(measurements), costs_table(measurements), ratios_table(measurements))
    file = results.write(
        "throughput",
        {
            "load": asdict(load),
            **machine.describe(conditions.servers),
            "figures": figures(measurements, tolerant=conditions.tolerant),
            "measurements": [item.raw() for item in measurements],
        },
    )
    console.print(f"raw results: {file}", markup=False)
    return not any(item.problems for item in measurements)


def in_turn(contestants: Sequence[Contestant], number: int) -> Sequence[Contestant]:
    """Forward and backward in turns, so that a machine that grows faster or slower favours nobody."""
    return contestants if number % 2 else contestants[::-1]


def by_contestant(measurements: Sequence[Measurement]) -> Mapping[str, list[Measurement]]:
    """Measurements under names such as `rollcall x3`, in order of appearance."""
    groups: dict[str, list[Measurement]] = {}
    for item in measurements:
        groups.setdefault(item.name, []).append(item)
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
    """Ratios of interleaved rounds, summarised."""
    return {names: summarise(values) for names, values in _ratio_values(measurements).items()}


def figures(
    measurements: Sequence[Measurement], *, tolerant: bool = False
) -> dict[str, list[float]]:
    """What the targets name: rates, costs and ratios of each round.

    Of undisturbed runs alone, unless `tolerant`: a target without one is not measured.
    """
    found: dict[str, list[float]] = {}
    measurements = [item for item in measurements if tolerant or not item.disturbed]
    for name, items in by_contestant(measurements).items():
        chosen = list(calmest(items).values())
        found[f"{name} events/s"] = [item.events_per_second for item in chosen]
        for cost in ("replica cpu us", "postgres cpu us", "kafka cpu us", "wal bytes"):
            found[f"{name} {cost}"] = [item.costs[cost] for item in chosen if item.usage]
    for (ours, other), values in _ratio_values(measurements).items():
        found[f"{ours} / {other}"] = list(values)
    return found


def _ratio_values(
    measurements: Sequence[Measurement],
) -> Mapping[tuple[str, str], Sequence[float]]:
    """Each rollcall against each peer with as many replicas, and other workloads against keyed."""
    rates = {
        name: {number: item.events_per_second for number, item in calmest(items).items()}
        for name, items in by_contestant(measurements).items()
    }
    return {
        (ours, other): values
        for ours in rates
        for other in rates
        if _comparable(ours, other) and (values := paired_ratios(rates[ours], rates[other]))
    }


def _comparable(ours: str, other: str) -> bool:
    """Names such as `rollcall x1 skewed`: kind, replicas, workload if it is not keyed."""
    our_kind, our_replicas, *our_workload = ours.split()
    kind, replicas, *workload = other.split()
    if our_kind != _OURS or our_replicas != replicas or workload:
        return False
    return bool(our_workload) if kind == _OURS else not our_workload


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
        chosen = [item for item in calmest(items).values() if item.usage]
        if not chosen:
            continue
        columns = [
            *([item.costs[cost] for item in chosen] for cost in chosen[0].costs),
            [item.peak_rss_bytes / 2**20 for item in chosen],
        ]
        others = summarise([item.others_share for item in chosen])
        table.add_row(
            name,
            *(f"{summarise(column).median:,.0f}" for column in columns),
            f"{others.median:.0%}, at most {others.highest:.0%}",
        )
    return table


def ratios_table(measurements: Sequence[Measurement]) -> Table:
    """Ratios of interleaved rounds."""
    table = Table("ratio", "median", "lowest", "highest")
    for (ours, other), ratio in ratios(measurements).items():
        cells = (ratio.median, ratio.lowest, ratio.highest)
        table.add_row(f"{ours} / {other}", *(f"{cell:.2f}x" for cell in cells))
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
