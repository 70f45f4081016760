"""Where a content or a validation failure can be seen; the numbers are those of the scratch database."""

from enum import IntEnum


class Kind(IntEnum):
    """What takes a slot: content is identified by its text, a failure by its file."""

    CONTENT = 0
    FAILURE = 1


class Source(IntEnum):
    """One way of seeing it. `EARLY` events were readable before the snapshot was taken."""

    INPUT = 1
    DEAD_INPUT = 2
    SLOT = 3
    EXCESS = 4
    PENDING = 5
    ASSIGNED_EARLY = 6
    ASSIGNED = 7
    EXCESS_EVENT_EARLY = 8
    EXCESS_EVENT = 9

    @property
    def words(self) -> str:
        """How to tell a person."""
        return _WORDS[self]


_WORDS = {
    Source.INPUT: "provided by",
    Source.DEAD_INPUT: "provided by dead letter",
    Source.SLOT: "holds slot",
    Source.EXCESS: "recorded as excess",
    Source.PENDING: "recorded as pending",
    Source.ASSIGNED_EARLY: "announced as assigned by",
    Source.ASSIGNED: "announced as assigned by",
    Source.EXCESS_EVENT_EARLY: "announced as excess by",
    Source.EXCESS_EVENT: "announced as excess by",
}

_RANK_BITS = 24
MAX_INDEX = (1 << _RANK_BITS) - 1


def rank_of(seq: int, index: int) -> int:
    """One number that orders the records of a lane by segment and index.

    Raises:
        ValueError: the index is beyond what a segment can hold.
    """
    if not 0 <= index <= MAX_INDEX or not 0 <= seq < 1 << 38:
        raise ValueError(f"segment {seq}, index {index}: out of range")
    return seq << _RANK_BITS | index


def place_in_lane(lane: int, rank: int) -> str:
    """The header value that a lane and rank came from."""
    return f"{lane}:{rank >> _RANK_BITS}:{rank & MAX_INDEX}"
