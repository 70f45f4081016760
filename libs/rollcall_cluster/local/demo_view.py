"""What the demo shows while it runs."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rollcall_cluster.generator import Expectation, Range
from rollcall_cluster.local.filling import Filling
from rollcall_cluster.local.observation import Observation
from rollcall_cluster.local.tables import instance_table

_BAR_WIDTH = 40

_Bar = tuple[str, int, int, str]  # name, done, of how many, aside


@dataclass(slots=True)
class DemoView:
    """The state of the demo; rendering it anew each time makes the picture live."""

    planned_records: int
    planned_batches: int
    produced: int = 0
    observations: list[Observation] = field(default_factory=list)
    filling: Filling = field(default_factory=Filling)
    notes: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def note(self, text: str) -> None:
        """Tell what happened, with the time."""
        self.notes.append(f"{time.monotonic() - self.began:5.1f} s  {text}")

    def __rich__(self) -> RenderableType:
        """Replicas, totals, the fullest open batches, and what happened so far."""
        story = (Text(note) for note in self.notes)
        bars = _bars([*self._totals(), *self._fullest()])
        return Group(instance_table(self.observations), "", bars, "", *story)

    def _totals(self) -> list[_Bar]:
        seen = self.filling
        taken = seen.filled + seen.failed
        return [
            ("events produced", self.produced, self.planned_records, ""),
            ("slots taken", taken, seen.slots, f"{seen.failed:,} of them by failed files"),
            ("batches completed", seen.completed, self.planned_batches, _asides(seen)),
        ]

    def _fullest(self) -> list[_Bar]:
        return [(f"batch {each.name}", each.taken, each.slots, "") for each in self.filling.fullest]


def outcome_table(expected: Expectation, found: Filling) -> Table:
    """What the generator's arithmetic says must come out, beside what did."""
    table = Table(title="outcome", title_justify="left")
    for heading in ("", "expected", "found", ""):
        table.add_column(heading, justify="right" if heading else "left")
    for name, wanted, actual in _outcome(expected, found):
        agrees = wanted.least <= actual <= wanted.most
        mark = Text("agrees", "green") if agrees else Text("DIFFERS", "bold red")
        table.add_row(name, str(wanted), f"{actual:,}", mark)
    return table


def agrees(expected: Expectation, found: Filling) -> bool:
    """Tell whether everything came out as it must."""
    return all(
        wanted.least <= actual <= wanted.most for _, wanted, actual in _outcome(expected, found)
    )


def _outcome(expected: Expectation, found: Filling) -> list[tuple[str, Range, int]]:
    return [
        ("batches completed", Range(expected.completions, expected.completions), found.completed),
        ("slots filled", expected.slots_filled, found.filled),
        ("slots failed", expected.slots_failed, found.failed),
        ("excess contents", expected.excess_contents, found.excess),
        ("dead letters", Range(expected.dead_letters, expected.dead_letters), found.dead_letters),
    ]


def _asides(seen: Filling) -> str:
    return f"{seen.excess:,} excess, {seen.pending:,} pending, {seen.dead_letters:,} dead letters"


def _bars(rows: Iterable[_Bar]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, done, total, aside in rows:
        bar = ProgressBar(total=max(total, 1), completed=done, width=_BAR_WIDTH)
        table.add_row(name, bar, f"{done:,} of {total:,}", Text(aside, "dim"))
    return table
