"""The chunk that is being committed: for how long, how often, and what it waits for. Pure; no I/O."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rollcall.consumer.chunk import Chunk, describe


class InHand:
    """Follows one chunk at a time, or the part of it that a bisection has come to.

    Its attempts count together: one that gives up on a lock after seconds and is repeated is as stuck
    as one that waits.
    """

    def __init__(self, limit_seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._limit_seconds = limit_seconds
        self._clock = clock
        self._chunk: Chunk | None = None
        self._since = 0.0
        self._failures = 0
        self._last_failure: str | None = None
        self._waits_for: str | None = None
        self.backend_pid: int | None = None

    @contextmanager
    def working_on(self, chunk: Chunk) -> Iterator[None]:
        """While `chunk` is being committed."""
        self._chunk, self._since = chunk, self._clock()
        self._failures, self._last_failure, self._waits_for = 0, None, None
        self.backend_pid = None
        try:
            yield
        finally:
            self._chunk = None

    def connected(self, backend_pid: int) -> None:
        """An attempt has begun, in this session of the server."""
        self.backend_pid = backend_pid

    def failed(self, error: Exception) -> None:
        """An attempt was rolled back and will be repeated."""
        self.backend_pid = None
        self._failures += 1
        self._last_failure = repr(error)[:300]

    def waits_for(self, what: str) -> None:
        """What the server says of the attempt."""
        self._waits_for = what

    @property
    def age_seconds(self) -> float:
        """Time since the chunk in hand was first tried; 0 if there is none."""
        return 0.0 if self._chunk is None else self._clock() - self._since

    @property
    def is_stuck(self) -> bool:
        """Whether it takes too long."""
        return self.age_seconds > self._limit_seconds

    def problems(self) -> list[str]:
        """The chunk, if it is stuck, with what is known of the cause."""
        if self._chunk is None or not self.is_stuck:
            return []
        records = [item.record for item in self._chunk.items]
        place = describe(records) if records else "no records"
        known = [f"transaction stuck: {place} for {self.age_seconds:.0f} s"]
        if self._failures:
            known.append(f"failed {self._failures} times, last with {self._last_failure}")
        if self._waits_for:
            known.append(self._waits_for)
        return ["; ".join(known)]
