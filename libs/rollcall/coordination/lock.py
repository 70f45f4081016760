"""Mutual exclusion: acquire, wait in line, give back. What is held is a `Hold`."""

import asyncio
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Any

from rollcall.coordination.fencing import Fences, fencing_number
from rollcall.coordination.hold import RELEASE, Hold, LockKeys
from rollcall.coordination.server import LATE_MS, RedisServer, Script
from rollcall.coordination.wakeups import Wakeups
from rollcall.errors import CoordinationUnavailableError, LockBusyError
from rollcall.telemetry.coordination_metrics import CoordinationMetrics

_ACQUIRE = Script("acquire.lua", repeatable=True, in_order=True)
# The first word of its answer.
_HELD, _EPOCH_WANTED, _GIVEN_UP = b"1", b"-1", b"-2"

# A waiter gives a sign of life so often, and learns so of a hand-over whose message was lost.
_SIGN_OF_LIFE_SECONDS = 2.0
# Room for the clocks of both sides to run differently.
_DRIFT_SHARE = 0.01


@dataclass(slots=True, frozen=True)
class LockParts:
    """What all locks of a process share."""

    server: RedisServer
    fences: Fences
    wakeups: Wakeups
    metrics: CoordinationMetrics
    background: set[asyncio.Task[Any]]


class Lock:
    """A lock by name, for one acquisition at a time; make as many of them as you like.

    `async with lock as hold:` cancels the block when the lock is lost, and raises LockLostError then.
    Waiters are served in the order of their coming. It is not reentrant.

    Args:
        lease_seconds: after so long without extension it is free again; extended in good time while held.
        wait_seconds: longest wait for it; 0 = one attempt.
        extend: False leaves it at one lease.
    """

    def __init__(
        self,
        parts: LockParts,
        keys: LockKeys,
        *,
        lease_seconds: float = 10.0,
        wait_seconds: float = 10.0,
        extend: bool = True,
    ) -> None:
        if lease_seconds < 0.05:
            raise ValueError(f"a lease of {lease_seconds} s: at least 0.05 s are needed")
        self._parts = parts
        self._keys = keys
        self._lease_seconds = lease_seconds
        self._wait_seconds = wait_seconds
        self._extend = extend
        self._hold: Hold | None = None

    async def acquire(self) -> Hold:
        """Take the lock, waiting for it if need be; uncontended, that is one round trip.

        Cancelled or failed, it leaves no lock and no place in the queue behind.

        Raises:
            LockBusyError: it was not free in time.
            CoordinationUnavailableError: Redis does not answer.
            OSError, asyncpg.PostgresError: a fencing epoch was due and PostgreSQL does not answer.
        """
        token = secrets.token_hex(16)
        started = perf_counter()
        try:
            hold = await self._acquire(token)
        except BaseException as error:
            self._parts.wakeups.forget(token)
            await self._in_background(self._give_up(token))
            outcome = "busy" if isinstance(error, LockBusyError) else "failed"
            self._parts.metrics.lock_acquisitions_total.labels(outcome).inc()
            raise
        self._parts.metrics.lock_acquired(perf_counter() - started)
        return hold

    async def __aenter__(self) -> Hold:
        if self._hold is not None:
            raise RuntimeError(f"lock {self._keys.name!r} is in use: make one Lock for each task")
        self._hold = await self.acquire()
        self._hold.cancel_on_loss()
        return self._hold

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        hold, self._hold = self._hold, None
        assert hold is not None
        await hold.leave(error)

    async def _acquire(self, token: str) -> Hold:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._wait_seconds
        waits = False
        while True:
            asked = loop.time()
            answer = await self._ask(token, waits)
            if answer[0] == _HELD:
                return self._held(token, answer, asked)
            left = until - loop.time()
            if left <= 0:
                raise LockBusyError(
                    f"lock {self._keys.name!r} was not free within {self._wait_seconds} s"
                )
            if not waits:
                waits = True
                await self._parts.wakeups.expect(
                    token, min(left, self._parts.server.answer_seconds)
                )
                continue
            await self._parts.wakeups.wait(token, min(left, _pause_seconds(answer)))

    def _held(self, token: str, answer: list[bytes], asked: float) -> Hold:
        self._parts.wakeups.forget(token)
        return Hold(
            self._parts.server,
            self._parts.fences,
            self._parts.metrics,
            self._keys,
            token,
            fencing_number(int(answer[1]), int(answer[2])),
            self._lease_seconds,
            asked + self._lease_seconds * (1 - _DRIFT_SHARE),
            self._extend,
            self._in_background,
        )

    async def _ask(self, token: str, waits: bool) -> list[bytes]:
        """Ask for the lock, with a new epoch if the numbers of the old one cannot be relied on."""
        drawn: tuple[str, int] | tuple[()] = ()
        while True:
            line: bytes = await self._parts.server.run(
                _ACQUIRE,
                self._keys.to_acquire(token),
                token,
                int(self._lease_seconds * 1000),
                self._parts.wakeups.channel if waits else "",
                self._parts.fences.refused(self._keys.bucket),
                *drawn,
            )
            answer = line.split()
            if answer[0] == _GIVEN_UP:
                raise CoordinationUnavailableError("this acquisition was given up before it began")
            if answer[0] != _EPOCH_WANTED:
                return answer
            drawn = answer[1].decode(), await self._parts.fences.draw(int(answer[2]))

    async def _give_up(self, token: str) -> None:
        """See to it that the token holds nothing, even if its acquisition is still on its way."""
        await self._parts.server.run(
            RELEASE,
            self._keys.to_release(token),
            token,
            int(self._lease_seconds * 1000) + LATE_MS,
        )

    async def _in_background(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Await work that goes on to its end, which has a bound, even if the caller is cancelled."""
        task = asyncio.ensure_future(work)
        self._parts.background.add(task)
        task.add_done_callback(self._parts.background.discard)
        try:
            return await asyncio.shield(task)
        except CoordinationUnavailableError:
            return None  # leases and signs of life run out
        except asyncio.CancelledError:
            task.add_done_callback(_look_away)
            raise


def _look_away(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


def _pause_seconds(answer: list[bytes]) -> float:
    """Until the next look: the first in line also looks when the holder's lease runs out."""
    lease_left_ms, others_before = int(answer[1]), int(answer[2])
    pause = _SIGN_OF_LIFE_SECONDS * (0.75 + secrets.randbelow(256) / 1024)
    if others_before == 0 and lease_left_ms >= 0:
        pause = min(pause, lease_left_ms / 1000 + 0.002)
    return pause
