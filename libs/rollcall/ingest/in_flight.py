"""How much of what upstreams send is in memory at a time. Pure."""

from collections.abc import Iterator
from contextlib import contextmanager


class TooMuchInFlightError(Exception):
    """There is no room for more now; there will be once Kafka has acknowledged what is in hand."""


class InFlight:
    """A bound on the bytes of all requests together, from their arrival to their answer."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0

    @contextmanager
    def request(self) -> Iterator["Share"]:
        """The share of one request, given back at its end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.used_bytes -= share.bytes


class Share:
    """What one request holds of the room."""

    def __init__(self, room: InFlight) -> None:
        self._room = room
        self.bytes = 0

    def take(self, count: int) -> None:
        """Take room for `count` bytes more.

        Raises:
            TooMuchInFlightError: there is none.
        """
        if self._room.used_bytes + count > self._room.limit_bytes:
            raise TooMuchInFlightError
        self._room.used_bytes += count
        self.bytes += count
