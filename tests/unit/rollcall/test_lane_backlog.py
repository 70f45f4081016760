"""A lane that is behind, or that nobody owns, is a problem; a lane that others are behind in is not."""

from rollcall.outbox.lane_watch import LaneBacklog, LaneState
from tests.clock import Clock


def test_the_owner_of_a_lane_tells_that_it_is_behind():
    backlog = LaneBacklog(30, Clock())
    backlog.seen([LaneState(0, 29.0, True), LaneState(2, 45.2, True)], owned_here=[0, 2])
    assert backlog.problems() == ["relay behind: lane 2, oldest segment 45 s"]
    backlog.seen([LaneState(0, None, True), LaneState(2, None, True)], owned_here=[0, 2])
    assert backlog.problems() == []


def test_the_backlog_of_another_owner_is_his_problem():
    backlog = LaneBacklog(30, Clock())
    backlog.seen([LaneState(2, 45.0, True)], owned_here=[])
    assert backlog.problems() == []


def test_a_lane_without_owner_is_everybodys_problem_after_the_limit():
    clock = Clock()
    backlog = LaneBacklog(30, clock)
    for seconds in (30, 32):
        backlog.seen([LaneState(1, None, False), LaneState(2, None, True)], owned_here=[])
        assert backlog.problems() == []
        clock.seconds += seconds
    assert backlog.problems() == ["lane 1 has had no owner for 62 s"]
    backlog.seen([LaneState(1, None, True)], owned_here=[])
    assert backlog.problems() == []
