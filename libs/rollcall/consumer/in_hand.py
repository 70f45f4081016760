"""The chunks that are being committed: for how long, how often, and what they wait for. Pure; no I/O."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rollcall.consumer.chunk import Chunk, describe


class Hand:
    """One chunk at work, or the part of it that a bisection has come to.

    Its attempts count together: one that gives up on a lock after seconds and is repeated is as stuck
    as one that waits.
    """

    def __init__(self, chunk: Chunk, since: float) -> None:
        self._chunk = chunk
        self._failures = 0
        self._last_failure: str | None = None
        self._waits_for: str | None = None
        self.since = since
        self.backend_pid: int | None = None

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

    def describe(self, age_seconds: float) -> str:
        """The chunk, with what is known of why it takes so long."""
        records = [item.record for item in self._chunk.items]
        place = describe(records) if records else "no records"
        known = [f"transaction stuck: {place} for {age_seconds:.0f} s"]
        if self._failures:
            known.append(f"failed {self._failures} times, last with {self._last_failure}")
        if self._waits_for:
            known.append(self._waits_for)
        return "; ".join(known)


class InHand:
    """The chunks at work, of each stream one at most."""

    def __init__(self, limit_seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._limit_seconds = limit_seconds
        self._clock = clock
        self._hands: list[Hand] = []

    @contextmanager
    def working_on(self, chunk: Chunk) -> Iterator[Hand]:
        """While `chunk` is being committed."""
        hand = Hand(chunk, self._clock())
        self._hands.append(hand)
        try:
            yield hand
        finally:
            self._hands.remove(hand)

    @property
    def age_seconds(self) -> float:
        """Time since the oldest chunk at work was first tried; 0 if there is none."""
        return max((self._age(hand) for hand in self._hands), default=0.0)

    @property
    def stuck(self) -> list[Hand]:
        """The chunks that take too long."""
        return [hand for hand in self._hands if self._age(hand) > self._limit_seconds]

    def problems(self) -> list[str]:
        """The chunks that are stuck, with what is known of the cause."""
        return [hand.describe(self._age(hand)) for hand in self.stuck]

    def _age(self, hand: Hand) -> float:
        return self._clock() - hand.since
