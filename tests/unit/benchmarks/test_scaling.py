"""Rates of the steady state, and factors over one replica."""

import pytest
from benchmarks.scaling import ScalingRun, figures

from rollcall_cluster.measuring.progress import Sample, rate, steady
from rollcall_cluster.measuring.quota import cpu_limit


def test_the_rate_is_that_between_the_first_and_the_last_sample() -> None:
    """Zero if there is no time between."""
    assert rate([Sample(10.0, 100), Sample(12.0, 500)]) == 200.0
    assert rate([Sample(10.0, 100)]) == 0.0


def test_the_beginning_and_the_end_of_a_backlog_are_left_out() -> None:
    """Every replica has records in between."""
    samples = [Sample(float(second), 1000 + 100 * second) for second in range(11)]
    chosen = steady(samples, 2000)
    assert [sample.handled for sample in chosen] == [1100 + 100 * n for n in range(7)]


def test_factors_compare_with_one_replica_of_the_same_round() -> None:
    """A slow round is slow for all."""
    runs = [
        ScalingRun(1, 1, 2000.0, (), 0.0),
        ScalingRun(3, 1, 5800.0, (), 0.0),
        ScalingRun(1, 2, 1000.0, (), 0.0),
        ScalingRun(3, 2, 3000.0, (), 0.0),
    ]
    assert figures(runs)["factor x3"] == [pytest.approx(2.9), pytest.approx(3.0)]


def test_a_quota_is_a_share_of_the_kernels_period() -> None:
    """Too small a one cannot be set."""
    assert cpu_limit(0.1) == (10_000, 100_000)
    with pytest.raises(ValueError, match="less than the kernel"):
        cpu_limit(0.001)
