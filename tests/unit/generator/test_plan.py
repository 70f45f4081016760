"""A plan is possible, or says why not."""

from typing import Any

import pytest
import typer

from rollcall_cluster.generator import PROFILES, Bursts, ImpossiblePlanError, KeyStrategy
from rollcall_cluster.generator.command import planned
from rollcall_cluster.generator.pacing import due_at
from tests.unit.generator.plans import plan


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"batches": 0}, "batches is 0; it has to be between 1 and"),
        ({"slots": 10_001}, "slots is 10001; it has to be between 1 and 10,000"),
        ({"failures": 1.5}, "failures is 1.5; it has to be between 0 and 1"),
        ({"early": -0.1}, "early is -0.1"),
        ({"duplicates": -1}, "duplicates is -1"),
        ({"skew": 9}, "skew is 9"),
        ({"rate": 0.0}, "rate is 0.0"),
        ({"slots": 10_000, "duplicates": 500, "excess": 3}, "lower slots, excess, duplicates"),
    ],
)
def test_impossible_knob_is_named(knobs: dict[str, Any], said: str) -> None:
    """The error names the knob, what was asked for, and what is possible."""
    with pytest.raises(ImpossiblePlanError) as refused:
        plan(**knobs)
    assert said in str(refused.value)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_is_a_plan(profile: str) -> None:
    """A profile needs nothing beside it."""
    assert planned(profile, 1, {}).seed == 1


def test_turned_knobs_win_over_the_profile() -> None:
    """What is given on the command line counts, also a zero; the rest is the profile's."""
    turned = planned("mixed", 1, {"duplicates": 0.0, "slots": 7, "early": None})
    assert (turned.duplicates, turned.slots, turned.early) == (0.0, 7, 0.05)


def test_rate_of_zero_is_as_fast_as_possible() -> None:
    """Also for a profile that comes in bursts."""
    fast = planned("burst", 1, {"rate": 0.0})
    assert fast.rate is None
    assert fast.bursts is None


def test_seed_is_drawn_if_none_is_given() -> None:
    """Two runs without a seed are two different streams."""
    assert planned("clean", None, {}).seed != planned("clean", None, {}).seed


def test_unknown_profile_names_the_known() -> None:
    """A typo is answered with what there is."""
    with pytest.raises(typer.BadParameter, match="clean, mixed, duplicate-storm, burst"):
        planned("mixd", 1, {})


def test_storm_sends_each_event_twenty_times_without_key() -> None:
    """The profile is what its name says."""
    storm = planned("duplicate-storm", 1, {})
    assert storm.duplicates == 19
    assert storm.key is KeyStrategy.NONE


def test_even_pace() -> None:
    """At a rate of 4 a second, a record is due every quarter."""
    even = plan(rate=4)
    assert [due_at(even, n) for n in range(5)] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert due_at(plan(rate=None), 10**6) == 0.0


def test_bursts_keep_the_average_rate() -> None:
    """Ten records of five seconds come in the first half second, the next ten five seconds on."""
    gusty = plan(rate=2.0, bursts=Bursts(period_seconds=5.0, busy_share=0.1))
    due = [due_at(gusty, n) for n in range(21)]
    assert due == sorted(due)
    assert max(due[:10]) < 0.5
    assert due[10] == 5.0
    assert due[20] == 10.0
