"""A chunk that does not commit is told, with what it waits for."""

from typing import Any

import pytest

from rollcall.consumer.chunk_watch import explain
from rollcall.consumer.in_hand import InHand
from rollcall.consumer.records import Partition
from tests.clock import Clock
from tests.unit.rollcall.records import chunk

IN = Partition("in", 0)
CHUNK = chunk([(IN, 5), (IN, 6)])


def test_all_attempts_at_a_chunk_count_together():
    clock = Clock()
    in_hand = InHand(10, clock)
    with in_hand.working_on(CHUNK) as hand:
        for _ in range(3):
            clock.seconds += 4
            hand.failed(TimeoutError("lock"))
        hand.waits_for("waits for a lock of psql")
        (problem,) = in_hand.problems()
        assert problem.startswith("transaction stuck: ")
        assert problem.endswith(
            " for 12 s; failed 3 times, last with TimeoutError('lock'); waits for a lock of psql"
        )
    assert (in_hand.problems(), in_hand.age_seconds) == ([], 0.0)


def test_chunks_side_by_side_are_told_apart():
    clock = Clock()
    in_hand = InHand(10, clock)
    with in_hand.working_on(CHUNK):
        clock.seconds += 9
        with in_hand.working_on(chunk([(Partition("in", 1), 3)])):
            clock.seconds += 2
            assert len(in_hand.problems()) == 1
            assert in_hand.age_seconds == 11
            clock.seconds += 9
            assert len(in_hand.problems()) == 2
        assert len(in_hand.problems()) == 1


def test_each_part_of_a_bisected_chunk_begins_anew():
    clock = Clock()
    in_hand = InHand(10, clock)
    for _ in range(5):
        with in_hand.working_on(CHUNK):
            clock.seconds += 9
            assert in_hand.problems() == []


def _row(**known: Any) -> dict[str, Any]:
    names = ("state", "wait_event_type", "wait_event", "blocker", "blocker_name", "blocker_state")
    return dict.fromkeys((*names, "blocker_seconds")) | known


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            _row(
                state="active",
                blocker=7,
                blocker_name="psql",
                blocker_state="idle in transaction",
                blocker_seconds=40.2,
            ),
            "waits for a lock of psql (pid 7, idle in transaction for 40 s)",
        ),
        (
            _row(state="active", wait_event_type="IO", wait_event="WALSync"),
            "the server waits for IO/WALSync",
        ),
        (_row(state="active"), "the server computes"),
        (
            _row(state="idle in transaction", wait_event_type="Client", wait_event="ClientRead"),
            "the server waits for this instance: a handler computes, or waits for something else",
        ),
    ],
)
def test_what_a_session_waits_for_is_told_in_words(row: dict[str, Any], told: str):
    assert explain(row) == told
