"""What the tables of the throughput benchmark are made from."""

import pytest
from benchmarks.contestants import parse
from benchmarks.errors import BenchmarkError
from benchmarks.run import Measurement
from benchmarks.throughput import calmest, figures, in_turn, rates_table, ratios
from benchmarks.usage import Usage


def measurement(
    contestant: str, number: int, rate: float, others: float = 0.0, problems: tuple[str, ...] = ()
) -> Measurement:
    """A run of 1000 events in which others used the share `others` of the CPU time."""
    busy = 10.0
    usage = Usage(busy * (1 - others), 0.0, 0.0, 0.0, machine=busy, wal_bytes=0)
    name, _, workload = contestant.partition(" ")
    return Measurement(
        name, 1, workload or "keyed", number, 1000, 2, 1000 / rate, usage, problems=problems
    )


def test_a_wrong_answer_has_no_rate() -> None:
    """However fast it was."""
    assert measurement("rollcall", 1, 1e6, problems=("slots: 1 missing",)).events_per_second == 0.0


def test_the_least_disturbed_attempt_of_a_round_counts() -> None:
    """Not the fastest: the choice may not look at the result."""
    noisy, calm = measurement("rollcall", 1, 900.0, 0.5), measurement("rollcall", 1, 700.0, 0.05)
    assert noisy.disturbed
    assert not calm.disturbed
    assert calmest([noisy, calm]) == {1: calm}
    assert calmest([calm, noisy]) == {1: calm}


def test_whoever_is_first_in_a_round_is_last_in_the_next() -> None:
    """Their distance in time is the same, its direction is not."""
    contestants = [parse("rollcall:1"), parse("streams:1"), parse("rollcall:1:skewed")]
    assert in_turn(contestants, 1) == in_turn(contestants, 3) == contestants
    assert in_turn(contestants, 2) == contestants[::-1]


def test_wrong_answers_are_never_chosen() -> None:
    """A round without any right answer is missing."""
    assert calmest([measurement("rollcall", 1, 900.0, problems=("late",))]) == {}


def test_ratios_compare_ours_with_each_peer_round_by_round() -> None:
    """Interleaved rounds, so that a slow moment of the machine cancels out."""
    found = ratios(
        [
            measurement("rollcall", 1, 2000.0),
            measurement("per_event", 1, 100.0),
            measurement("rollcall", 2, 400.0),
            measurement("per_event", 2, 20.0),
        ]
    )
    assert found.keys() == {("rollcall x1", "per_event x1")}
    ratio = found["rollcall x1", "per_event x1"]
    assert ratio.median == pytest.approx(20.0)
    assert ratio.spread == pytest.approx(0.0)


def test_other_workloads_are_compared_with_the_keyed_one() -> None:
    """Of the same contestant; a peer is compared on the same input alone."""
    found = figures(
        [
            measurement("rollcall", 1, 1000.0),
            measurement("rollcall skewed", 1, 900.0),
            measurement("per_event", 1, 100.0),
        ]
    )
    ratios_found = {name: values for name, values in found.items() if "/ " in name}
    assert ratios_found == {
        "rollcall x1 / per_event x1": [pytest.approx(10.0)],
        "rollcall x1 skewed / rollcall x1": [pytest.approx(0.9)],
    }


def test_a_disturbed_run_is_no_measurement() -> None:
    """It is shown, but no target is judged by it, unless somebody only looks whether all runs."""
    noisy = [measurement("rollcall", 1, 1000.0), measurement("per_event", 1, 10.0, others=0.5)]
    assert "rollcall x1 / per_event x1" not in figures(noisy)
    assert figures(noisy, tolerant=True)["rollcall x1 / per_event x1"] == [pytest.approx(100.0)]


def test_a_cost_is_for_each_event() -> None:
    """CPU time in microseconds."""
    found = figures([measurement("rollcall", 1, 1000.0)])
    assert found["rollcall x1 replica cpu us"] == [pytest.approx(1e6 * 10.0 / 1000)]


def test_the_table_says_that_an_answer_is_wrong() -> None:
    """In the column that everybody reads."""
    items = [measurement("rollcall", 1, 9.0), measurement("rollcall", 2, 9.0, problems=("lost",))]
    table = rates_table(items)
    assert "WRONG in 1 of 2" in next(iter(table.columns[-1].cells))


def test_contestants_are_named_with_their_replicas() -> None:
    """`KIND:REPLICAS` on the command line."""
    assert parse("rollcall:3").name == "rollcall x3"
    assert parse("per_event:1", per_event_events=700).events == 700
    assert parse("rollcall:1:skewed").name == "rollcall x1 skewed"


@pytest.mark.parametrize(
    "name", ["rollcall", "rollcall:0", "rollcall:x", "other:1", "rollcall:1:odd"]
)
def test_unknown_contestants_are_refused(name: str) -> None:
    """With what can be written instead."""
    with pytest.raises(BenchmarkError, match=r"KIND:REPLICAS|kinds are|workloads are"):
        parse(name)
