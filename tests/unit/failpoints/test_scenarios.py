"""The tests of crashes know every failpoint."""

from rollcall_cluster.failpoints import FAILPOINTS
from tests.cluster.failpoints.scenarios import NTH, SCENARIOS, STALLS


def test_each_failpoint_has_a_play_that_reaches_it():
    assert set(SCENARIOS) == set(FAILPOINTS.values())


def test_only_failpoints_that_are_played_are_stalled_or_repeated():
    assert set(NTH) | set(STALLS) <= set(SCENARIOS)
