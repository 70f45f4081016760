"""What a run found: rows and plots by scenario; what the table, JSON, JUnit and HTML are written from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rollcall_cluster.scenarios.verdicts import Row, Side, Verdict


@dataclass(frozen=True, slots=True)
class BarPlot:
    """One bar for each label; `marks` are lines across all of them, such as targets."""

    title: str
    unit: str
    bars: Mapping[str, float]
    marks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CurvePlot:
    """Lines over a number, each a sequence of (x, y)."""

    title: str
    x_unit: str
    y_unit: str
    curves: Mapping[str, Sequence[tuple[float, float]]]
    marks: Mapping[str, float] = field(default_factory=dict)


Plot = BarPlot | CurvePlot


@dataclass(slots=True)
class Finding:
    """One scenario as it went; a `problem` is what ended it early."""

    name: str
    title: str
    rows: list[Row] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    seconds: float = 0.0
    problem: str = ""

    def fails(self, side: Side) -> bool:
        """Whether it ended early, or one of its rows fails."""
        return bool(self.problem) or any(row.fails(side) for row in self.rows)


@dataclass(slots=True)
class Run:
    """All scenarios of one call.

    Attributes:
        load: average number of processes that wanted a CPU in the minute before the run.
    """

    servers: str
    instances: int
    duration_seconds: float
    targets: Side
    started_at: str
    machine: str
    cores: int
    load: float
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Nothing was wrong, and nothing slower than the chosen targets allow."""
        return bool(self.findings) and not any(each.fails(self.targets) for each in self.findings)

    @property
    def busy(self) -> bool:
        """Whether others wanted so much of the machine that figures of speed say little."""
        return self.load > 0.5 * self.cores

    def count(self, verdict: Verdict) -> int:
        """Rows with that verdict against the chosen targets."""
        rows = (row for each in self.findings for row in each.rows)
        return sum(row.verdict(self.targets) is verdict for row in rows)

    def raw(self) -> dict[str, Any]:
        """Everything, for JSON."""
        found = asdict(self)
        found["ok"] = self.ok
        for finding, raw in zip(self.findings, found["findings"], strict=True):
            raw["fails"] = finding.fails(self.targets)
            for row, cells in zip(finding.rows, raw["rows"], strict=True):
                cells["verdict"] = {side.value: row.verdict(side).value for side in Side}
        return found


def summary(run: Run) -> str:
    """One line: how many of each verdict."""
    counts = [f"{run.count(verdict)} {verdict}" for verdict in Verdict if run.count(verdict)]
    early = sum(bool(each.problem) for each in run.findings)
    told = ", ".join([*counts, *([f"{early} scenarios ended early"] if early else [])])
    whose = "our" if run.targets is Side.OURS else "the customary"
    return f"{'passed' if run.ok else 'failed'} by {whose} targets: {told or 'nothing ran'}"
