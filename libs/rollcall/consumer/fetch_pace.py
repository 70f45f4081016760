"""For how long the broker gathers records before it answers a fetch: not at all, or for a moment.

A fetch is answered by the first record that comes, so while many come, each request of an upstream's
producer is answered to every replica by itself, and costs all of them a fetch, a poll and a chunk.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any

_GATHER_SECONDS = 0.015
# At fewer than these the moment is not worth it.
_MANY_A_SECOND = 160
_GATHER_BYTES = 64 * 1024
_LOOK_SECONDS = 0.5


class FetchPace:
    """Sets the limits of a client's fetches by how many records came lately.

    The client's public interface takes them once; the names used here are those of aiokafka 0.14.
    """

    def __init__(self, kafka: Any, clock: Callable[[], float] = monotonic) -> None:
        self._kafka = kafka
        self._clock = clock
        self._records = 0
        self._since = clock()
        self._at_rest: tuple[int, int] | None = None
        self._gathers = False

    def polled(self, records: int) -> None:
        """Count what a poll has brought, be it nothing, and decide anew twice a second."""
        self._records += records
        elapsed_seconds = self._clock() - self._since
        if elapsed_seconds < _LOOK_SECONDS:
            return
        self._set(gathers=self._records / elapsed_seconds >= _MANY_A_SECOND)
        self._records, self._since = 0, self._clock()

    def _set(self, *, gathers: bool) -> None:
        if gathers == self._gathers:
            return
        fetcher = self._kafka._fetcher
        limits = fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms
        self._at_rest = self._at_rest or limits
        chosen = (_GATHER_BYTES, round(_GATHER_SECONDS * 1000)) if gathers else self._at_rest
        fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms = chosen
        self._gathers = gathers
