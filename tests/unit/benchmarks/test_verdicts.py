"""The table of targets says what was measured, and nothing else."""

import pytest
from benchmarks.targets import TARGETS
from benchmarks.verdicts import Bound, Target, judge

AT_LEAST = Target("ratio", "throughput/a / b", Bound.AT_LEAST, 25, "x", 1)
BELOW = Target("latency", "latency/p50 ms slow", Bound.BELOW, 15, " ms")


@pytest.mark.parametrize(
    ("target", "values", "row"),
    [
        (AT_LEAST, [25.0], ("ratio", "≥ 25.0x", "25.0x", "reached")),
        (AT_LEAST, [24.0, 24.9, 30.0], ("ratio", "≥ 25.0x", "24.9x (24.0x to 30.0x)", "missed")),
        (BELOW, [14.9], ("latency", "< 15 ms", "15 ms", "reached")),
        (BELOW, [15.0], ("latency", "< 15 ms", "15 ms", "missed")),
        (BELOW, [], ("latency", "< 15 ms", "-", "not measured")),
    ],
)
def test_the_median_decides(target: Target, values: list[float], row: tuple[str, ...]) -> None:
    """And a target without a measurement is neither reached nor missed."""
    benchmark, _, figure = target.figure.partition("/")
    (verdict,) = judge([target], {benchmark: {figure: values}})
    assert verdict.row == row


def test_a_figure_that_only_has_to_be_known_has_no_verdict() -> None:
    """It is measured, or it is not."""
    known = Target("wal", "throughput/wal", Bound.KNOWN, unit=" bytes")
    (verdict,) = judge([known], {"throughput": {"wal": [861.0]}})
    assert verdict.row == ("wal", "measured", "861 bytes", "measured")


def test_the_best_of_several_divides() -> None:
    """Against the SQL on its best connection count, whichever that is today."""
    target = Target("sql", "t/rate", Bound.AT_LEAST, 0.8, "x", 2, over=("c/1", "c/2", "c/4"))
    figures = {"t": {"rate": [16.0, 24.0]}, "c": {"1": [18.0], "2": [20.0, 28.0, 24.0]}}
    (verdict,) = judge([target], figures)
    assert verdict.measured is not None
    assert verdict.measured.highest == pytest.approx(1.0)
    assert verdict.measured.lowest == pytest.approx(16 / 24)


def test_without_a_divisor_nothing_is_said() -> None:
    """A rate is no ratio."""
    target = Target("sql", "t/rate", Bound.AT_LEAST, 0.8, over=("c/1",))
    (verdict,) = judge([target], {"t": {"rate": [16.0]}})
    assert verdict.measured is None


def test_every_target_is_named_once() -> None:
    """And names a figure of a benchmark."""
    names = [target.what for target in TARGETS]
    assert len(set(names)) == len(names)
    assert all("/" in target.figure for target in TARGETS)
