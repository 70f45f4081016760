"""A lock while it is held: extended in good time, and lost as soon as that cannot be confirmed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Literal, NamedTuple

import structlog

from rollcall.coordination.fencing import Fences
from rollcall.coordination.keys import Keys
from rollcall.coordination.server import RedisServer, Script
from rollcall.errors import CoordinationUnavailableError, FencedOutError, LockLostError
from rollcall.telemetry.coordination_metrics import CoordinationMetrics

log = structlog.get_logger()

EXTEND = Script("extend.lua", repeatable=True)
RELEASE = Script("release.lua", repeatable=True)
VERIFY = Script("verify.lua", repeatable=True)

Loss = Literal["expired", "taken", "connection", "fenced"]
"""Why: the lease ran out here · Redis does not have it any more · Redis does not answer · newer writes."""

_EXTENSIONS_IN_A_LEASE = 3


class LockKeys(NamedTuple):
    """The keys of one lock, all in one hash slot."""

    name: str
    bucket: int
    lock: str
    queue: str
    waiting: str
    fence: str
    void: str

    @classmethod
    def of(cls, keys: Keys, name: str) -> "LockKeys":
        """Those of the lock `name`."""
        lock, queue, waiting, void = keys.of_all(("lock", "queue", "waiting", "void"), name)
        return cls(name, keys.bucket(name), lock, queue, waiting, keys.fence(name), void)

    def to_acquire(self, token: str) -> tuple[str, ...]:
        """For acquire.lua."""
        return self.lock, self.queue, self.waiting, self.fence, f"{self.void}:{token}"

    def to_release(self, token: str) -> tuple[str, ...]:
        """For release.lua."""
        return self.lock, self.queue, self.waiting, f"{self.void}:{token}"


class Hold:
    """One acquisition of a lock.

    Attributes:
        name: the lock's.
        number: the fencing number: above that of every earlier acquisition.
        token: what stands in Redis while it is held; new for each acquisition.
    """

    def __init__(
        self,
        server: RedisServer,
        fences: Fences,
        metrics: CoordinationMetrics,
        keys: LockKeys,
        token: str,
        number: int,
        lease_seconds: float,
        deadline: float,
        extend: bool,
        in_background: Callable[[Coroutine[Any, Any, Any]], Coroutine[Any, Any, Any]],
    ) -> None:
        self.name = keys.name
        self.number = number
        self.token = token
        self.keys = keys
        self.loss: Loss | None = None
        self._server = server
        self._fences = fences
        self._metrics = metrics
        self._lease_seconds = lease_seconds
        self._deadline = deadline
        self._confirmed = True
        self._released = False
        self._in_background = in_background
        self._loop = asyncio.get_running_loop()
        self._extending: asyncio.Task[None] | None = None
        self._worker: asyncio.Task[Any] | None = None
        self._cancellations = 0
        self._interrupted = False
        self._extends = extend
        self._timer = self._loop.call_at(self._next_look(), self._look)

    @property
    def is_held(self) -> bool:
        """Whether Redis has confirmed it and the lease that it confirmed has not run out."""
        held = self._confirmed and self.loss is None and not self._released
        return held and self._loop.time() < self._deadline

    async def verify(self) -> bool:
        """Ask Redis; False also if it does not answer. The answer may be old when it arrives."""
        if not self.is_held:
            return False
        try:
            left_ms = await self._server.run_once(VERIFY, (self.keys.lock,), self.token)
        except CoordinationUnavailableError:
            return False
        if left_ms < 0:
            self._lose("taken")
        return self.is_held

    async def extend(self, lease_seconds: float | None = None) -> None:
        """Start the lease anew, for as long as before or for `lease_seconds`.

        What was confirmed is never cut short: a shorter lease takes over where the present one ends.

        Raises:
            LockLostError: it is not held any more, or Redis does not say.
        """
        self._lease_seconds = lease_seconds or self._lease_seconds
        await self._extend()
        self._require_held()

    async def fence(self, connection: Any, resource: str | None = None) -> None:
        """Let the open transaction of `connection` commit only if no newer holder has written.

        Call it before the transaction's other statements: holders of one resource take turns from
        here to their commit. `resource` is the lock's name unless told otherwise.

        Raises:
            FencedOutError: a newer holder has written.
            LockLostError: the lock is known to be lost.
        """
        self._require_held()
        try:
            await self._fences.claim(
                connection, resource or self.name, self.keys.bucket, self.number
            )
        except FencedOutError:
            self._lose("fenced")
            raise

    async def release(self) -> None:
        """Give it back; safe to cancel.

        Raises:
            LockLostError: it had been lost before, or Redis does not say.
        """
        if self._released:
            return
        self._released = True
        self._stop()
        try:
            given_back = await self._release()
        except CoordinationUnavailableError:
            given_back = None
        except asyncio.CancelledError:
            await self._in_background(self._release())
            raise
        if self.loss is None and given_back != 1:
            self._note_loss("connection" if given_back is None else "taken")
        self._require_not_lost()

    def cancel_on_loss(self) -> None:
        """Cancel the task that calls this when the lock is lost; `leave` turns that into an error."""
        self._worker = asyncio.current_task()
        assert self._worker is not None
        self._cancellations = self._worker.cancelling()
        if self.loss is not None:
            self._interrupt()

    async def leave(self, error: BaseException | None) -> None:
        """Release at the end of the work that `error` ended, if any.

        Raises:
            LockLostError: the lock was lost, unless the work failed for another reason.
        """
        ours = False
        if self._interrupted and self._worker is not None:
            left = self._worker.uncancel()
            ours = isinstance(error, asyncio.CancelledError) and left <= self._cancellations
        self._worker = None
        try:
            await self.release()
            if ours:  # the block itself had released it
                self._require_not_lost()
        except LockLostError as lost:
            if error is None or ours:
                raise lost from error

    def _next_look(self) -> float:
        if not self._extends:
            return self._deadline
        rest = self._lease_seconds * (_EXTENSIONS_IN_A_LEASE - 1) / _EXTENSIONS_IN_A_LEASE
        return self._deadline - rest

    def _look(self) -> None:
        if self._extends and self._loop.time() < self._deadline:
            self._extending = self._loop.create_task(self._extend())
        self._look_at_end()

    def _look_at_end(self) -> None:
        """Once more if it is not the end yet: uvloop's timers may come half a millisecond early."""
        if self._loop.time() >= self._deadline:
            self._lose("expired")
        else:
            self._timer = self._loop.call_at(self._deadline, self._look_at_end)

    async def _extend(self) -> None:
        """Ask twice at most. From the first failure until Redis confirms, it does not count as held."""
        for last in (False, True):
            asked, lease_seconds = self._loop.time(), self._lease_seconds
            try:
                extended = await self._server.run_once(
                    EXTEND, (self.keys.lock,), self.token, int(lease_seconds * 1000)
                )
            except CoordinationUnavailableError as error:
                self._confirmed = False
                log.warning("lock_unconfirmed", lock=self.name, error=str(error)[:300])
                if last:
                    self._lose("connection")
                continue
            if not extended:
                self._lose("taken")
            elif self.loss is None and not self._released:
                self._confirmed = True
                self._deadline = max(self._deadline, asked + lease_seconds * 0.99)
                self._timer.cancel()
                self._timer = self._loop.call_at(self._next_look(), self._look)
            return

    async def _release(self) -> Any:
        return await self._server.run(RELEASE, self.keys.to_release(self.token), self.token)

    def _lose(self, loss: Loss) -> None:
        if self.loss is None and not self._released:
            self._note_loss(loss)
            self._stop()
            self._interrupt()

    def _note_loss(self, loss: Loss) -> None:
        self.loss = loss
        self._metrics.locks_lost_total.labels(loss).inc()
        log.warning("lock_lost", lock=self.name, reason=loss, fencing_number=self.number)

    def _interrupt(self) -> None:
        """Not at once: a worker that noticed the loss itself may end its block without waiting again."""
        self._loop.call_soon(self._cancel_worker)

    def _cancel_worker(self) -> None:
        if self._worker is not None:
            self._interrupted = True
            self._worker.cancel(f"lock {self.name!r} is lost: {self.loss}")

    def _stop(self) -> None:
        self._timer.cancel()
        if self._extending is not None and self._extending is not asyncio.current_task():
            self._extending.cancel()

    def _require_not_lost(self) -> None:
        if self.loss is not None:
            raise LockLostError(f"lock {self.name!r} was lost while it was held: {self.loss}")

    def _require_held(self) -> None:
        self._require_not_lost()
        if not self.is_held:
            raise LockLostError(f"lock {self.name!r} is not held (any more)")
