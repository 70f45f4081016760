"""The parts that turn records and rows into facts."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall_cluster.auditor.digests import essay_ids_digest, ready_item, unordered
from rollcall_cluster.auditor.log_reading import Reach, share_out
from rollcall_cluster.auditor.output_facts import is_event_id
from rollcall_cluster.auditor.roll import RollCall
from rollcall_cluster.auditor.sighting import MAX_INDEX, place_in_lane, rank_of
from rollcall_cluster.auditor.workers import WORTH_SHARING_RECORDS, worker_count
from rollcall_events import deterministic_event_id
from tests.unit.auditor.clean import FULL, clean_world


def test_lists_that_swap_contents_have_different_digests():
    """The sum of a list changes whenever two essays swap what they hold."""
    pairs = [(f"essay-{n}", f"text-{n}") for n in range(200)]
    straight = unordered(sum(ready_item(*pair) for pair in pairs))
    for (one, text_one), (two, text_two) in pairwise(pairs):
        swapped = straight - ready_item(one, text_one) - ready_item(two, text_two)
        swapped += ready_item(one, text_two) + ready_item(two, text_one)
        assert unordered(swapped) != straight


def test_the_order_of_essay_ids_counts():
    """A registration that lists its essays in another order is another registration."""
    assert essay_ids_digest(["a", "b"]) != essay_ids_digest(["b", "a"])


@given(st.integers())
def test_a_sum_of_digests_fits_a_column(total: int):
    """Sixty-four bits, signed, and nothing lost that two sums could differ in."""
    assert -(2**63) <= unordered(total) < 2**63
    assert (unordered(total) - total) % 2**64 == 0


@given(st.integers(0, 63), st.integers(0, 2**38 - 1), st.integers(0, MAX_INDEX))
def test_a_rank_tells_segment_and_index(lane: int, seq: int, index: int):
    """What the header said can be read back from it."""
    assert place_in_lane(lane, rank_of(seq, index)) == f"{lane}:{seq}:{index}"


@pytest.mark.parametrize(("seq", "index"), [(0, MAX_INDEX + 1), (0, -1), (-1, 0), (2**38, 0)])
def test_a_rank_out_of_range_is_refused(seq: int, index: int):
    """It would be mistaken for another place."""
    with pytest.raises(ValueError, match="out of range"):
        rank_of(seq, index)


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_quick_look_at_an_event_id_agrees_with_the_contract(kind: str, content: str):
    """It accepts the deterministic id of a name, and not that of another."""
    name = f"{kind}/{FULL}/{content}"
    assert is_event_id(deterministic_event_id(kind, FULL, content), name)
    assert not is_event_id(deterministic_event_id(kind, FULL, f"{content}x"), name)


@given(st.integers(1, 7))
def test_slots_of_a_batch_count_together_wherever_a_read_ends(size: int):
    """A batch that is read in several parts gives one row."""
    slots = [
        slot | {"batch": slot["batch_id"].bytes}
        for slot in sorted(
            clean_world().tables["slot"], key=lambda s: (s["batch_id"].bytes, s["position"])
        )
    ]
    whole, parted = RollCall(), RollCall()
    expected = [*whole.take(slots), *whole.finish()]
    rows = [row for at in range(0, len(slots), size) for row in parted.take(slots[at : at + size])]
    assert [*rows, *parted.finish()] == expected
    assert len(expected) == 8


def _reach(partition: int, records: int) -> Reach:
    return Reach(topic="t", partition=partition, start=0, end=records, early_end=0)


@given(st.lists(st.integers(0, 1000), max_size=30), st.integers(0, 8))
def test_work_is_shared_out_evenly(sizes: list[int], shares: int):
    """Everything once, and no share longer than the shortest by more than one partition."""
    wanted = [_reach(number, size) for number, size in enumerate(sizes)]
    piles = share_out(wanted, shares)
    if not shares:
        assert piles == []
        return
    assert sorted((r for pile in piles for r in pile), key=lambda r: r.partition) == wanted
    weights = [sum(r.records for r in pile) for pile in piles] + [0] * (shares - len(piles))
    assert max(weights) - min(weights) <= max(sizes, default=0)


def test_small_logs_are_read_without_further_processes():
    """Starting them would cost more than they save."""
    assert worker_count(WORTH_SHARING_RECORDS - 1) == 0
    assert 1 <= worker_count(WORTH_SHARING_RECORDS) <= 8
    assert worker_count(10, given=3) == 3
    assert worker_count(10, given=99) == 8
