"""A loop that stands still is seen from beside it; a process that does not run is not a loop's fault."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from rollcall.exit_codes import ExitCode
from rollcall.telemetry.metrics import Metrics
from rollcall.watchdog import StallClock, Watchdog
from tests.eventually import eventually


class Ending:
    """What the watchdog would do to the process."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.called = threading.Event()

    def __call__(self, code: int) -> None:
        self.codes.append(code)
        self.called.set()


@pytest.fixture
def ending() -> Ending:
    """Records instead of ending."""
    return Ending()


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of their own."""
    return Metrics()


@pytest.fixture
def watchdog(metrics: Metrics, ending: Ending) -> Iterator[Watchdog]:
    """A watchdog that would end the process after 1.5 s."""
    watchdog = Watchdog(metrics, exit_seconds=1.5, end_process=ending)
    yield watchdog
    watchdog.close()


def _stalls(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("rollcall_loop_stalls_total")


def test_what_the_loop_owes_is_the_time_that_passed():
    clock = StallClock()
    assert [round(clock.look(0.2, 0.0), 1) for _ in range(3)] == [0.2, 0.4, 0.6]
    assert round(clock.answered(), 1) == 0.6
    assert clock.look(0.2, 0.0) == 0.2


def test_time_in_which_the_process_did_not_run_is_not_owed():
    assert StallClock().look(3600.0, 0.0) == 0.4


def test_time_in_which_it_computed_without_letting_another_thread_run_is_owed():
    assert StallClock().look(5.0, 4.8) == 5.0


async def test_a_loop_that_turns_is_no_problem(watchdog: Watchdog, metrics: Metrics):
    watchdog.start(asyncio.get_running_loop())
    count = "rollcall_loop_delay_seconds_count"
    await eventually(lambda: (metrics.registry.get_sample_value(count) or 0) > 3)
    assert watchdog.problems() == []
    assert _stalls(metrics) == 0


async def test_a_stall_beyond_the_limit_ends_the_process(watchdog: Watchdog, ending: Ending):
    watchdog.start(asyncio.get_running_loop())
    ending.called.wait(10)  # the loop's own thread: it stands still until the watchdog has seen it
    assert ending.codes == [ExitCode.LOOP_STALLED]
    assert "stands still" in watchdog.problems()[0]


async def test_a_stall_that_is_over_is_still_told(metrics: Metrics, ending: Ending):
    watchdog = Watchdog(metrics, exit_seconds=0, end_process=ending)
    watchdog.start(asyncio.get_running_loop())
    ending.called.wait(1.8)  # nobody calls: the loop stands still for so long
    await eventually(lambda: "stood still for" in "".join(watchdog.problems()))
    watchdog.close()
    assert (_stalls(metrics), ending.codes) == (1, [])


async def test_an_end_that_takes_too_long_is_cut_short(watchdog: Watchdog, ending: Ending):
    watchdog.start(asyncio.get_running_loop())
    watchdog.end_within(0.1, ExitCode.STOP_OVERDUE, "late")
    await eventually(lambda: ending.codes)
    assert set(ending.codes) == {ExitCode.STOP_OVERDUE}


async def test_the_first_deadline_holds(watchdog: Watchdog, ending: Ending):
    watchdog.end_within(0.0, ExitCode.STOP_OVERDUE, "first")
    watchdog.end_within(3600.0, ExitCode.FAILED, "second")
    watchdog.start(asyncio.get_running_loop())
    began = time.monotonic()
    await eventually(lambda: ending.codes)
    assert time.monotonic() - began < 10
