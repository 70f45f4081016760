"""A circuit breaker: what is too slow or fails is left out for a while, then tried again."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from rollcall.errors import ConfigurationError, CoordinationError

T = TypeVar("T")

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0


class Circuit:
    """Open after one failure, for a second; for twice as long after each further one, up to half a minute.

    So of every second without Redis, one call waits, for `budget_seconds` at most.
    """

    def __init__(self, budget_seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._budget_seconds = budget_seconds
        self._clock = clock
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._closed_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are left out now."""
        return self._clock() < self._closed_at

    async def within_budget(self, call: Awaitable[T]) -> T | None:
        """Await an optional call; None if it fails, takes too long, or is left out."""
        if self.is_open:
            if asyncio.iscoroutine(call):
                call.close()
            return None
        try:
            async with asyncio.timeout(self._budget_seconds):
                answer = await call
        except (CoordinationError, ConfigurationError, TimeoutError):
            self._closed_at = self._clock() + self._pause_seconds
            self._pause_seconds = min(self._pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
            return None
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        return answer
