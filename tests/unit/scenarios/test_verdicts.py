"""Each verdict can be reached, and each can be missed."""

import pytest

from rollcall_cluster.scenarios.findings import summary
from rollcall_cluster.scenarios.targets import (
    COORDINATION_P95,
    DATABASE_MEAN,
    MEMORY_GROWTH,
    REDIS_P95,
    SCALING,
    SUCCESS,
    Target,
)
from rollcall_cluster.scenarios.verdicts import Side, Verdict, required, worst
from tests.unit.scenarios import planted


@pytest.mark.parametrize(
    ("target", "reached", "customary", "missed"),
    [
        (REDIS_P95, 9.99, 10.0, 100.0),
        (DATABASE_MEAN, 19.9, 20.0, 200.0),
        (COORDINATION_P95, 99.9, 100.0, 1000.0),
        (SUCCESS, 100.0, 99.99, 94.9),
        (SCALING[3], 2.9, 2.89, 1.49),
        (SCALING[5], 4.6, 4.59, 1.99),
        (MEMORY_GROWTH, 4.9, 5.0, 100.0),
    ],
)
def test_a_figure_stands_beside_both_targets(
    target: Target, reached: float, customary: float, missed: float
) -> None:
    """Ours is the stricter one: it can be missed while the customary one is reached."""
    verdicts = [
        (row.verdict(Side.OURS), row.verdict(Side.CUSTOMARY))
        for row in map(target.row, (reached, customary, missed))
    ]
    assert verdicts == [
        (Verdict.REACHED, Verdict.REACHED),
        (Verdict.MISSED, Verdict.REACHED),
        (Verdict.MISSED, Verdict.MISSED),
    ]


@pytest.mark.parametrize("side", list(Side))
def test_a_wrong_result_fails_by_any_targets(side: Side) -> None:
    """No target makes a doubled slot good."""
    assert planted.DOUBLE.verdict(side) is Verdict.VIOLATED
    assert planted.DOUBLE.fails(side)
    assert not planted.run(planted.GOOD, planted.DOUBLE, targets=side).ok


def test_a_missed_figure_fails_by_the_targets_that_were_chosen() -> None:
    """12.5 ms are too slow for us and good enough elsewhere."""
    assert not planted.run(planted.SLOW, targets=Side.OURS).ok
    assert planted.run(planted.SLOW, targets=Side.CUSTOMARY).ok


def test_what_is_not_measured_is_neither_reached_nor_missed() -> None:
    """It says why instead of giving a figure."""
    row = planted.UNMEASURED
    assert (row.verdict(Side.OURS), row.shown, row.fails(Side.OURS)) == (
        Verdict.NOT_MEASURED,
        "-",
        False,
    )


def test_a_scenario_that_ended_early_fails_whatever_it_measured() -> None:
    """So does a run of nothing."""
    assert not planted.run(planted.GOOD, problem="TimeoutError: no completion").ok
    nothing = planted.run()
    nothing.findings.clear()
    assert not nothing.ok


def test_of_repetitions_the_worst_counts() -> None:
    """In either direction; a repetition without result is one with zero."""
    assert worst([1, 1, 2, 1], 1) == 2
    assert worst([1, 0], 1) == 0
    assert required("slots", worst([6, 6, 4], 6), 6).fails(Side.OURS)


def test_the_summary_counts_verdicts() -> None:
    """In one line."""
    run = planted.run(planted.GOOD, planted.DOUBLE, planted.SLOW, planted.SHOWN, problem="x")
    assert summary(run) == (
        "failed by our targets: 1 reached, 1 missed, 1 violated, 1 shown, 1 scenarios ended early"
    )
