"""A run made by hand, with one row of every verdict."""

from rollcall_cluster.scenarios.findings import BarPlot, CurvePlot, Finding, Run
from rollcall_cluster.scenarios.targets import REDIS_P95, SCALING
from rollcall_cluster.scenarios.verdicts import Row, Side, required

GOOD = required("20 identical events, slots assigned", 1, 1)
DOUBLE = required("slots <assigned> & 'doubled'", 2, 1, "els-2\x00 wrote twice")
SLOW = REDIS_P95.row(12.5, "9,000 operations")
SHOWN = Row("median", 1234.5, " ms")
UNMEASURED = SCALING[5].row(None, not_measured="no cgroup: run as root")


def run(*rows: Row, problem: str = "", targets: Side = Side.OURS) -> Run:
    """One scenario with these rows."""
    plots = [
        BarPlot("by <instance>", "", {"els-1": 3.0, "els-2": 0.0}, {"target": 2.0}),
        BarPlot("by partition", "", {str(n): float(n) for n in range(12)}),
        CurvePlot("latency", "s", "ms", {"P50": [(0, 1), (1, 3)]}, {"target": 100.0}),
    ]
    finding = Finding("race_conditions", "Races & <more>", list(rows), plots, 4.2, problem)
    return Run(
        "embedded", 3, 60.0, targets, "2026-01-12T08:30:00+00:00", "2 cores", 2, 0.1, [finding]
    )
