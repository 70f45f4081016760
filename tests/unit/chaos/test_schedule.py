"""Faults are drawn from a seed, and left out where they would hurt others."""

from collections import Counter

import pytest

from rollcall_cluster.chaos.arena import Powers
from rollcall_cluster.chaos.faults import FAULTS
from rollcall_cluster.chaos.schedule import draw, possible

EVERYTHING = Powers(frozenset({"kafka", "postgres", "redis"}), instances=3, can_mount=True)
NOTHING_OWN = Powers(frozenset(), instances=3, can_mount=True)


def _names(faults) -> list[str]:
    return [fault.name for fault in faults]


def test_the_same_seed_draws_the_same_sequence():
    """And another one draws another."""
    faults, _ = possible([], EVERYTHING)
    assert _names(draw(faults, 100, 7)) == _names(draw(faults, 100, 7))
    assert _names(draw(faults, 100, 7)) != _names(draw(faults, 100, 8))


def test_every_fault_comes_once_before_any_comes_twice():
    """A run as long as the list leaves none out."""
    faults, left_out = possible([], EVERYTHING)
    assert not left_out
    sequence = _names(draw(faults, 200, 3))
    assert set(sequence[: len(faults)]) == set(FAULTS)
    assert len(sequence) == 200
    assert Counter(sequence)["kill-one"] > Counter(sequence)["kafka-pause"]


def test_on_servers_of_others_only_replicas_and_their_network_are_hurt():
    """What is left out is named, with the reason."""
    faults, left_out = possible([], NOTHING_OWN)
    assert {"kill-one", "zombie", "cut-kafka", "postgres-terminate"} <= set(_names(faults))
    assert not any(fault.breaks for fault in faults)
    reasons = {each.name: each.reason for each in left_out}
    assert reasons["kafka-crash"] == "kafka is not ours: it would hurt others"
    assert {"postgres-crash", "redis-flush", "postgres-disk-full"} <= reasons.keys()


@pytest.mark.parametrize(
    ("name", "powers", "reason"),
    [
        ("kill-one", Powers(frozenset(), 1, can_mount=False), "needs 2 instances"),
        (
            "postgres-disk-full",
            Powers(frozenset({"postgres"}), 3, can_mount=False),
            "needs root on Linux, to mount a small file system",
        ),
    ],
)
def test_what_cannot_be_done_here_is_left_out(name: str, powers: Powers, reason: str):
    """One instance has no others; mounting takes root."""
    faults, (left_out,) = possible([name], powers)
    assert not faults
    assert left_out.reason == reason


def test_what_passes_no_proxy_of_ours_is_not_hurt_there():
    """Its faults would be counted and would hurt nobody."""
    powers = Powers(frozenset(), 3, can_mount=True, bypassed={"postgres": "a UNIX socket"})
    faults, left_out = possible([], powers)
    reasons = {each.name for each in left_out if each.reason == "a UNIX socket"}
    assert reasons == {
        "cut-postgres",
        "delay-postgres",
        "half-open-postgres",
        "postgres-terminate",
        "postgres-terminate-starting",
        "postgres-cancel",
    }
    assert {"kill-one", "cut-kafka", "cut-redis"} <= set(_names(faults))
