"""The outcome of a run as tables: for people, and for Markdown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rollcall_cluster.chaos.results import ChaosResult, FaultRecord

_HEADINGS = (
    "fault",
    "times",
    "rate back, median (s)",
    "rate back, longest (s)",
    "backlog gone, longest (s)",
    "disturbed in all, longest (s)",
    "limit (s)",
    "late",
    "violations",
)
_ROUND_HEADINGS = (
    "round",
    "faults",
    "records audited",
    "invariants",
    "violations",
    "silently idle",
)
_NEVER = "not seen"


@dataclass(frozen=True, slots=True)
class Row:
    """All faults of one name together; None: at least one was not back while it was watched."""

    name: str
    times: int
    rate_median: float | None
    rate_longest: float | None
    backlog_longest: float | None
    disturbed_longest: float | None
    limit: float
    late: int
    violations: int
    """Of the rounds in which it took part."""


def rows(result: ChaosResult) -> list[Row]:
    """One row for each fault that was inflicted, by name."""
    names = sorted({fault.name for fault in result.faults})
    return [_row(result, name) for name in names]


def _row(result: ChaosResult, name: str) -> Row:
    faults = [fault for fault in result.faults if fault.name == name]
    rounds = {fault.round for fault in faults}
    rates = _known(fault.rate_seconds for fault in faults)
    return Row(
        name=name,
        times=len(faults),
        rate_median=round(median(rates), 1) if rates else None,
        rate_longest=_longest(faults, rates),
        backlog_longest=_longest(faults, _known(fault.backlog_seconds for fault in faults)),
        disturbed_longest=_longest(faults, _known(fault.disturbed_seconds for fault in faults)),
        limit=max(fault.limit_seconds for fault in faults),
        late=sum(not fault.ok for fault in faults),
        violations=sum(each.violations for each in result.rounds if each.number in rounds),
    )


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _longest(faults: Sequence[FaultRecord], values: Sequence[float]) -> float | None:
    return round(max(values), 1) if values and len(values) == len(faults) else None


def markdown(result: ChaosResult) -> str:
    """Both tables and the verdict, as docs/reliability.md has them."""
    parts = [
        _markdown_table(_HEADINGS, _cells(result)),
        _markdown_table(_ROUND_HEADINGS, _round_cells(result)),
        verdict(result) + "\n",
    ]
    return "\n".join(parts)


def print_result(result: ChaosResult, console: Console) -> None:
    """Everything a person needs."""
    console.print(_table("faults", _HEADINGS, _cells(result)))
    console.print(_table("rounds", _ROUND_HEADINGS, _round_cells(result)))
    for left_out in result.left_out:
        console.print(f"left out: {left_out.name}: {left_out.reason}", markup=False)
    for fault in [*result.failed, *result.late]:
        told = f"fault {fault.number}, {fault.name} ({fault.detail}): {_missed(fault)}"
        console.print(told, style="red", markup=False)
    for each in result.rounds:
        for text in [*each.violated, *each.idle, *([each.problem] if each.problem else [])]:
            told = f"round {each.number}: {text}"
            console.print(told, style="red", markup=False, highlight=False)
    console.print(verdict(result), style="bold green" if result.ok else "bold red")


def verdict(result: ChaosResult) -> str:
    """One line: how many of each kind of trouble."""
    audits = [each for each in result.rounds if each.problem is None]
    records = sum(each.records for each in audits)
    told = (
        f"{result.violations:,} violations in {len(audits)} audits of {records:,} records,"
        f" {len(result.idle)} silently idle replicas,"
        f" {len(result.late)} of {len(result.faults)} faults not recovered in time,"
        f" {len(result.failed)} not inflicted. Seed {result.seed}."
    )
    return f"Interrupted. {told}" if result.interrupted else told


def _missed(fault: FaultRecord) -> str:
    if fault.problem is not None:
        return fault.problem
    if fault.unready:
        return f"not ready again: {' | '.join(fault.unready)}"
    if fault.rate_seconds is not None and fault.rate_seconds <= fault.limit_seconds:
        return "the rate was back in time, but did not stay, or not once all was healed"
    seen = _shown(fault.rate_seconds)
    return f"rate back after {seen} s, allowed are {fault.limit_seconds:.0f} s"


def _cells(result: ChaosResult) -> list[tuple[str, ...]]:
    return [
        (
            row.name,
            str(row.times),
            _shown(row.rate_median),
            _shown(row.rate_longest),
            _shown(row.backlog_longest),
            _shown(row.disturbed_longest),
            f"{row.limit:.0f}",
            str(row.late),
            str(row.violations),
        )
        for row in rows(result)
    ]


def _round_cells(result: ChaosResult) -> list[tuple[str, ...]]:
    return [
        (
            str(each.number),
            str(each.faults),
            f"{each.records:,}",
            str(each.checks),
            each.problem or str(each.violations),
            str(len(each.idle)),
        )
        for each in result.rounds
    ]


def _shown(seconds: float | None) -> str:
    return _NEVER if seconds is None else f"{seconds:.1f}"


def _table(title: str, headings: Sequence[str], cells: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left")
    for row in cells:
        table.add_row(*map(escape, row))
    return table


def _markdown_table(headings: Sequence[str], cells: Iterable[Sequence[str]]) -> str:
    rule = ["---", *(["---:"] * (len(headings) - 1))]
    return "".join(f"| {' | '.join(row)} |\n" for row in [headings, rule, *cells])
