"""A position that the log cannot continue from is refused, never guessed around."""

from hypothesis import given
from hypothesis import strategies as st

from rollcall.consumer.positions import LogRange, check_position
from rollcall.consumer.records import Partition

PARTITION = Partition("in", 4)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100))
def test_only_positions_inside_the_log_are_taken(position: int, start: int, length: int) -> None:
    refusal = check_position(PARTITION, position, LogRange(start, start + length))
    assert (refusal is None) == (start <= position <= start + length)


def test_records_removed_before_they_were_handled_are_called_a_loss() -> None:
    refusal = check_position(PARTITION, 3, LogRange(10, 20))
    assert refusal is not None
    assert "below the start of the log (10)" in refusal.reason


def test_a_recreated_topic_is_recognised() -> None:
    refusal = check_position(PARTITION, 30, LogRange(0, 20))
    assert refusal is not None
    assert "recreated" in refusal.reason
