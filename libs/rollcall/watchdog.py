"""A thread beside the event loop: it sees what the loop cannot tell of itself, that it stands still."""

import asyncio
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field

import structlog

from rollcall.exit_codes import ExitCode
from rollcall.telemetry.metrics import Metrics

log = structlog.get_logger()

STALL_SECONDS = 1.0
"""A loop that stands still for longer makes this instance unready."""

REMEMBERED_SECONDS = 10.0
"""How long a stall that is over still speaks against readiness: nobody could be told during it."""

_PAUSE_SECONDS = 0.5
# While an answer is late.
_LOOK_SECONDS = 0.2
_STACK_FRAMES = 25
_LAST_WORDS_SECONDS = 2.0


@dataclass(slots=True)
class StallClock:
    """Counts for how long the loop owes an answer. Pure: times are arguments.

    Time in which this process did not run at all (a stopped process, a machine without a free core)
    is not the loop's fault: of each look, no more counts than it should have taken, and what the
    process computed meanwhile (code that lets no other thread run).
    """

    owed_seconds: float = 0.0

    def look(self, elapsed_seconds: float, cpu_seconds: float) -> float:
        """Add the time since the last look; returns the sum."""
        self.owed_seconds += min(elapsed_seconds, 2 * _LOOK_SECONDS + cpu_seconds)
        return self.owed_seconds

    def answered(self) -> float:
        """The loop answered; returns how long it had owed that."""
        owed, self.owed_seconds = self.owed_seconds, 0.0
        return owed


@dataclass(slots=True, frozen=True)
class _Deadline:
    at: float
    code: ExitCode
    reason: str


@dataclass(slots=True)
class _Stall:
    seconds: float
    ended_at: float | None = field(default=None)


class Watchdog:
    """Asks the loop for a sign of life, again and again; ends the process if none comes for long.

    It ends the process, too, when an end that was begun is not finished by its deadline.

    Args:
        metrics: where delays are recorded.
        exit_seconds: the stall after which the process ends; 0 = never.
        end_process: ends the process at once, without any clean-up.
    """

    def __init__(
        self,
        metrics: Metrics,
        exit_seconds: float,
        end_process: Callable[[int], None] = os._exit,
    ) -> None:
        self._metrics = metrics
        self._exit_seconds = exit_seconds
        self._end_process = end_process
        self._stall: _Stall | None = None
        self._deadline: _Deadline | None = None
        self._answer = threading.Event()
        self._closing = threading.Event()
        self._context = copy_context()
        self._thread: threading.Thread | None = None
        self._loop_thread = 0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch `loop`; call it in the loop's own thread."""
        self._loop_thread = threading.get_ident()
        self._context = copy_context()
        self._thread = threading.Thread(
            target=self._watch, args=(loop,), name="watchdog", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Watch no more."""
        self._closing.set()
        self._answer.set()
        if self._thread:
            self._thread.join(2 * _LOOK_SECONDS)

    def end_within(self, seconds: float, code: ExitCode, reason: str) -> None:
        """End the process after so many seconds, if it still runs then; the first deadline holds."""
        if self._deadline is None:
            self._deadline = _Deadline(time.monotonic() + seconds, code, reason)

    def problems(self) -> list[str]:
        """A stall of the last seconds; while one lasts, there is nobody to answer."""
        if (stall := self._stall) is None:
            return []
        if stall.ended_at is None:
            return [f"the event loop stands still, for {stall.seconds:.1f} s now"]
        if (ago := time.monotonic() - stall.ended_at) > REMEMBERED_SECONDS:
            return []
        return [f"the event loop stood still for {stall.seconds:.1f} s, {ago:.0f} s ago"]

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._closing.is_set():
            self._answer.clear()
            try:
                loop.call_soon_threadsafe(self._answer.set)
            except RuntimeError:
                return  # the loop is closed
            self._await_answer()
            self._closing.wait(_PAUSE_SECONDS)
            self._check_deadline()

    def _await_answer(self) -> None:
        clock = StallClock()
        now, cpu = time.monotonic(), time.process_time()
        while not self._answer.wait(_LOOK_SECONDS):
            before, cpu_before = now, cpu
            now, cpu = time.monotonic(), time.process_time()
            self._owed(clock.look(now - before, cpu - cpu_before))
            self._check_deadline()
        clock.look(time.monotonic() - now, time.process_time() - cpu)
        owed = clock.answered()
        self._metrics.loop_delay_seconds.observe(owed)
        if owed > STALL_SECONDS and not self._closing.is_set():
            self._stall = _Stall(owed, ended_at=time.monotonic())
            self._say("error", "event_loop_turns_again", stalled_seconds=round(owed, 1))

    def _owed(self, seconds: float) -> None:
        if seconds > STALL_SECONDS:
            if self._stall is None or self._stall.ended_at is not None:
                self._stall = _Stall(seconds)
                self._metrics.loop_stalls_total.inc()
                self._say("error", "event_loop_stalled", loop_stack=self._stack())
            self._stall.seconds = seconds
        if 0 < self._exit_seconds < seconds:
            self._end(
                ExitCode.LOOP_STALLED,
                f"the event loop has stood still for {seconds:.0f} s"
                " (ROLLCALL_LOOP_STALL_EXIT_SECONDS): the stack says what it is at",
            )

    def _check_deadline(self) -> None:
        if (deadline := self._deadline) and time.monotonic() > deadline.at:
            self._end(deadline.code, deadline.reason)

    def _end(self, code: ExitCode, reason: str) -> None:
        self._say(
            "critical", "process_ended", reason=reason, exit_code=code, loop_stack=self._stack()
        )
        self._closing.set()
        self._end_process(code)

    def _stack(self) -> list[str]:
        """Where the loop's thread is, innermost call last; bounded."""
        frame = sys._current_frames().get(self._loop_thread)
        return [
            f"{entry.filename}:{entry.lineno} {entry.name}"
            for entry in traceback.extract_stack(frame, limit=_STACK_FRAMES)
        ]

    def _say(self, level: str, event: str, **fields: object) -> None:
        """Log from a thread of its own: the loop may stand still while it holds the log."""

        def write() -> None:
            self._context.copy().run(getattr(log, level), event, **fields)

        words = threading.Thread(target=write, name="watchdog-log", daemon=True)
        words.start()
        words.join(_LAST_WORDS_SECONDS)
