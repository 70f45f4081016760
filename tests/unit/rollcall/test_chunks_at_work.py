"""Positions are read only when no chunk is at work, however many are worked on side by side."""

from unittest.mock import Mock

from rollcall.consumer.ownership import Ownership


async def test_it_is_quiet_once_the_last_of_two_chunks_is_finished() -> None:
    ownership = Ownership(Mock(), 1)
    with ownership.at_work():
        with ownership.at_work():
            assert not ownership.quiet.is_set()
        assert not ownership.quiet.is_set()
    assert ownership.quiet.is_set()
