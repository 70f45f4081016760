"""When too large a share of a topic's records is bad. Pure; no clock, no I/O."""

from collections import defaultdict, deque
from dataclasses import dataclass, field

from rollcall.consumer.outcomes import Tally


@dataclass(slots=True)
class _Window:
    """The newest chunks of a topic: as few as hold enough records."""

    chunks: deque[Tally] = field(default_factory=deque)
    records: int = 0


class ShareLimit:
    """Remembers, for each topic, the newest chunks of at least `window_records` records together.

    A chunk exceeds the limit if more than `max_share` of the records of the window that ends with it
    are rejected. Fewer records than the window's never do: a few bad ones after a start say nothing.
    """

    def __init__(self, max_share: float, window_records: int) -> None:
        self._max_share = max_share
        self._window_records = window_records
        self._windows: defaultdict[str, _Window] = defaultdict(_Window)

    def exceeded_by(self, topic: str, chunk: Tally) -> Tally | None:
        """The window that a chunk would complete, if it exceeds the limit; a good chunk never does."""
        if not chunk.rejected:
            return None
        records, rejected = chunk
        for past in reversed(self._windows[topic].chunks):
            if records >= self._window_records:
                break
            records, rejected = records + past.records, rejected + past.rejected
        if records < self._window_records or rejected <= self._max_share * records:
            return None
        return Tally(records, rejected)

    def add(self, topic: str, chunk: Tally) -> None:
        """Remember a chunk that committed, and forget what the window no longer reaches."""
        if not chunk.records:
            return
        window = self._windows[topic]
        window.chunks.append(chunk)
        window.records += chunk.records
        while window.records - window.chunks[0].records >= self._window_records:
            window.records -= window.chunks.popleft().records

    def forget(self, topic: str) -> None:
        """Begin anew: the topic was paused, so that what follows is judged for itself."""
        self._windows.pop(topic, None)
