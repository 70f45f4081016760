"""Readiness follows progress, not being up."""

from rollcall.telemetry.health import Health, Progress
from tests.clock import Clock


def _progress() -> tuple[Progress, Clock]:
    clock = Clock()
    return Progress(stall_seconds=15, clock=clock), clock


def _pass(progress: Progress, clock: Clock, seconds: int, lag: int) -> None:
    for _ in range(seconds):
        clock.seconds += 1
        progress.report_lag(lag)


def test_waiting_records_and_no_progress_are_a_problem() -> None:
    progress, clock = _progress()
    _pass(progress, clock, seconds=20, lag=7)
    assert progress.problems() == ["stalled: 7 records wait, none for 19 s"]


def test_nothing_to_do_is_no_problem_however_long() -> None:
    progress, clock = _progress()
    _pass(progress, clock, seconds=3600, lag=0)
    assert progress.problems() == []


def test_records_that_arrive_after_a_quiet_hour_do_not_count_it() -> None:
    progress, clock = _progress()
    _pass(progress, clock, seconds=3600, lag=0)
    _pass(progress, clock, seconds=10, lag=5)
    assert progress.problems() == []


def test_progress_ends_a_stall() -> None:
    progress, clock = _progress()
    _pass(progress, clock, seconds=20, lag=7)
    progress.moved()
    assert progress.problems() == []


def test_not_knowing_the_ends_of_the_logs_is_a_problem() -> None:
    """A dead fetcher reports no lag; so silence about the lag must not look like its absence."""
    progress, clock = _progress()
    progress.report_lag(0)
    clock.seconds += 20
    assert progress.problems() == ["blind: Kafka has not told the ends of the logs for 20 s"]


def test_an_instance_is_not_ready_before_it_has_started() -> None:
    health = Health()
    assert health.problems() == ["starting"]
    health.started = True
    assert health.problems() == []


def test_every_component_can_speak_against_readiness() -> None:
    health = Health(started=True)
    health.add(lambda: ["lane 2 refused"])
    health.add(list)
    assert health.problems() == ["lane 2 refused"]
