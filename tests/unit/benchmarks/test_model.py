"""The model is fitted to raw results and says what it cannot know."""

from typing import Any

import pytest
from benchmarks.errors import BenchmarkError
from benchmarks.model.costs import Costs
from benchmarks.model.line import Line, fit
from benchmarks.model.predictions import Prediction, needs, predictions

LINE = Line(fixed=0.004, each=0.00005)


def results(two: float = 1.0, three: float = 1.0) -> dict[str, dict[str, Any]]:
    """Raw results of a machine whose stages follow lines exactly, and what several replicas do of what they might."""
    assignments = [
        {
            "connections": 1,
            "chunk": chunk,
            "chunks": 10,
            "events": 10 * chunk,
            "seconds": 10 * LINE.seconds(chunk),
        }
        for chunk in (100, 500, 1000, 2000)
    ]
    return {
        "ceilings": {
            "assignments": assignments,
            "transactions": [
                {"records": n, "seconds": 0.02 + 0.00001 * n, "cpu_seconds": 0.001 + 0.000002 * n}
                for n in (100, 1000, 5000)
            ],
            "figures": {"decode us": [5.0], "encode us": [10.0]},
        },
        "throughput": {
            "machine": {"cores": 2},
            "figures": {
                "rollcall x1 replica cpu us": [40.0],
                "rollcall x1 postgres cpu us": [30.0],
                "rollcall x1 kafka cpu us": [10.0],
                "rollcall x1 wal bytes": [800.0],
                "rollcall x1 events/s": [1e6 / 64],
                "rollcall x2 events/s": [two * 2e6 / 80],
                "rollcall x3 events/s": [three * 2e6 / 80],
            },
        },
    }


def test_a_line_is_found_again() -> None:
    """From points that lie on it."""
    found = fit([(n, LINE.seconds(n)) for n in (100, 500, 2000)])
    assert found.fixed == pytest.approx(LINE.fixed)
    assert found.each == pytest.approx(LINE.each)
    assert found.us_per_event(1000) == pytest.approx(54.0)


def test_no_part_of_a_cost_is_negative() -> None:
    """Whatever noise says."""
    assert fit([(100, 1.0), (1000, 20.0)]).fixed == 0.0
    assert fit([(100, 2.0), (1000, 1.0)]).each == 0.0


def test_one_size_makes_no_line() -> None:
    """A fixed part cannot be told from the rest."""
    with pytest.raises(ValueError, match="two sizes"):
        fit([(100, 1.0), (100, 1.1)])


def test_results_of_an_older_release_are_told() -> None:
    """It names what they lack and what to measure."""
    found = results()
    del found["ceilings"]["transactions"][0]["cpu_seconds"]
    with pytest.raises(BenchmarkError, match=r"no 'cpu_seconds'.*ceilings and throughput again"):
        Costs.of(found)


def test_points_that_follow_the_model_hold() -> None:
    """Several replicas wait for the machine's cores."""
    found = results()
    points = predictions(Costs.of(found), found)
    assert len(points) == 4 + 3 + 2
    assert all(point.holds for point in points)
    assert all(abs(point.error) < 1e-6 for point in points)


def test_points_that_do_not_are_told() -> None:
    """Beyond 15 %."""
    found = results(two=0.6, three=1.0)
    ends = [p for p in predictions(Costs.of(found), found) if p.what.startswith("end")]
    assert [point.holds for point in ends] == [False, False]
    assert Prediction("x", 100.0, 115.0, "ms").holds
    assert not Prediction("x", 100.0, 116.0, "ms").holds


def test_what_is_hidden_is_told() -> None:
    """40 us of interpreter and 54 us of database take 64 us: 30 of the 40 go on meanwhile."""
    assert Costs.of(results()).overlap == pytest.approx(30 / 40)


def test_a_full_machine_does_a_share_of_what_its_cores_would() -> None:
    """One number for all deployments of several replicas, between what each of them alone would say."""
    found = results(two=0.9, three=0.9)
    assert Costs.of(found).full_share == pytest.approx(0.9)
    assert Costs.of(found).rate(2) == pytest.approx(0.9 * 2e6 / 80)
    assert 0.8 < Costs.of(results(two=0.8, three=0.9)).full_share < 0.9


def test_a_quota_limits_a_replica() -> None:
    """To its share, less what it uses when idle, and what the lanes take for each chunk, or five times a second."""
    found = results() | {"idle": {"figures": {"cpu %": [2.0]}}}
    transaction, event = 0.001, 40e-6 - 4 * 5 * 0.001 * 64e-6
    few = 0.08 / (event + 4 * transaction / 1000)
    many = (10 * 0.08 - 4 * 5 * transaction) / event
    assert few < 5000 < many
    assert Costs.of(found).rate(1, 0.1) == pytest.approx(few)
    assert Costs.of(found).rate(10, 0.1) == pytest.approx(many)
    assert Costs.of(found).rate(1, 0.01) == 0.0


def test_needs_grow_with_the_load() -> None:
    """In proportion, except where a part suffices."""
    one, nine = needs(Costs.of(results()), (1, 9))
    assert one.rate == pytest.approx(2e6 / 80)
    assert nine.wal_mb_per_second == pytest.approx(9 * one.wal_mb_per_second)
    assert (one.replicas, nine.replicas) == (2, 15)
    assert (one.lanes, nine.lanes) == (1, 5)


def test_without_results_the_missing_measurement_is_named() -> None:
    """With the command that makes it."""
    with pytest.raises(BenchmarkError, match="rollcall bench ceilings"):
        Costs.of({})
