"""A token bucket: so many requests a second, a second's worth of them at once."""

from collections.abc import Callable
from time import monotonic


class TokenBucket:
    """Fills with `per_second` tokens each second, and holds a second's worth, but one at least."""

    def __init__(self, per_second: float, clock: Callable[[], float] = monotonic) -> None:
        self.per_second = per_second
        self._clock = clock
        self._room = max(per_second, 1.0)
        self._tokens = self._room
        self._filled_at = clock()

    def take(self) -> float:
        """Take a token; returns 0, or the seconds until there will be one."""
        now = self._clock()
        self._tokens = min(self._room, self._tokens + (now - self._filled_at) * self.per_second)
        self._filled_at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self.per_second
