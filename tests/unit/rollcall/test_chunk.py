"""Splitting a chunk keeps every record and every offset, in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.consumer.chunk import Chunk, Span
from rollcall.consumer.records import Partition, Rejected
from tests.unit.rollcall.records import chunk

Places = list[tuple[Partition, int]]


@st.composite
def places(draw: st.DrawFn) -> Places:
    """Offsets with gaps, as transactions and compaction leave them, in up to four partitions."""
    found: Places = []
    for number in range(draw(st.integers(1, 4))):
        offsets = draw(st.sets(st.integers(0, 60), min_size=1, max_size=12))
        found += [(Partition("in", number), offset) for offset in sorted(offsets)]
    return found


def _leaves(whole: Chunk) -> list[Chunk]:
    if len(whole.items) < 2:
        return [whole]
    return [leaf for half in whole.halves() for leaf in _leaves(half)]


@given(places())
def test_the_parts_of_a_chunk_hold_its_records_in_their_order(found: Places) -> None:
    whole = chunk(found)
    parts = _leaves(whole)
    assert [item for part in parts for item in part.items] == list(whole.items)


@given(places())
def test_the_parts_of_a_chunk_move_each_position_without_gap_or_overlap(found: Places) -> None:
    whole = chunk(found)
    positions = {partition: span.expected for partition, span in whole.spans.items()}
    for part in _leaves(whole):
        for partition, span in part.spans.items():
            assert span.expected == positions[partition]
            positions[partition] = span.next
    assert positions == {partition: span.next for partition, span in whole.spans.items()}


@given(places())
def test_a_part_moves_past_the_records_it_holds_and_no_others(found: Places) -> None:
    whole = chunk(found)
    for part in _leaves(whole):
        for item in whole.items:
            span = part.spans.get(item.record.partition)
            inside = span is not None and span.expected <= item.record.offset < span.next
            assert inside == (item in part.items)


def test_a_partition_that_moved_without_records_moves_with_the_second_half() -> None:
    a, b, empty = Partition("in", 0), Partition("in", 1), Partition("in", 2)
    whole = chunk([(a, 1), (b, 5)])
    whole = Chunk(whole.items, {**whole.spans, empty: Span(7, 9)}, 1)
    first, second = whole.halves()
    assert empty not in first.spans
    assert second.spans[empty] == Span(7, 9)


def test_a_chunk_of_one_record_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="one record"):
        chunk([(Partition("in", 0), 3)]).halves()


def test_a_position_never_moves_back() -> None:
    with pytest.raises(ValueError, match="moves forward: 5 -> 4"):
        Span(5, 4)


def test_a_record_set_aside_keeps_its_place_and_tells_how_it_was_found() -> None:
    single = chunk([(Partition("in", 0), 3)])
    aside = single.set_aside(RuntimeError("no such course"), ["in-0@1..in-0@3: ..."])
    (rejected,) = aside.items
    assert isinstance(rejected, Rejected)
    assert aside.spans == single.spans
    assert (rejected.error_type, rejected.error_message) == ("RuntimeError", "no such course")
    assert (rejected.attempts, rejected.bisection_trace) == (2, ["in-0@1..in-0@3: ..."])
