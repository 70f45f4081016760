"""Medians, spreads and ratios."""

import pytest
from benchmarks.summary import paired_ratios, summarise

from rollcall_cluster.measuring.latency import percentile


def test_the_median_stands_between_the_extremes() -> None:
    """And the spread is their distance as a share of it."""
    summary = summarise([30.0, 10.0, 20.0])
    assert (summary.median, summary.lowest, summary.highest) == (20.0, 10.0, 30.0)
    assert summary.spread == 1.0


def test_one_measurement_has_no_spread() -> None:
    """It is its own median."""
    assert summarise([7.0]).spread == 0.0


def test_nothing_cannot_be_summarised() -> None:
    """A summary needs a measurement."""
    with pytest.raises(ValueError, match="no median"):
        summarise([])


def test_ratios_pair_measurements_of_the_same_round() -> None:
    """A round that slowed both sides down does not change their ratio."""
    assert paired_ratios({1: 30.0, 2: 3.0}, {1: 10.0, 2: 1.0}) == [3.0, 3.0]


def test_rounds_that_lack_a_side_are_left_out() -> None:
    """A wrong answer has no rate, so its round has no ratio."""
    assert paired_ratios({1: 30.0, 2: 3.0}, {2: 1.0, 3: 1.0}) == [3.0]


@pytest.mark.parametrize(
    ("percent", "value"), [(50, 50), (99, 99), (99.9, 100), (100, 100), (0, 1)]
)
def test_a_percentile_is_a_value_that_was_measured(percent: float, value: float) -> None:
    """The smallest that so many do not exceed; never a mean of two."""
    assert percentile([float(n) for n in range(100, 0, -1)], percent) == value


def test_there_is_no_percentile_of_nothing() -> None:
    """Rather than zero."""
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)
