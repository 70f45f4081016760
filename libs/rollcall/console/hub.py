"""Hands each snapshot to everybody who watches; looks only while somebody does."""

import asyncio
import time
from collections import deque

import orjson
import structlog

from rollcall.cancellation import end
from rollcall.console.documents import Snapshot
from rollcall.console.source import Look, Source
from rollcall.database.failures import DATABASE_ERRORS

log = structlog.get_logger()

MOST_LISTENERS = 32
_LOOK_SECONDS = 1.0
# A look that takes long is taken less often: at most a twentieth of one connection's time.
_LOOK_SHARE = 20
_LONGEST_PAUSE_SECONDS = 10.0
_MOST_WAITING = 8
# Sent as single points, not as a whole each time.
_HISTORY = "history"


class TooManyListenersError(Exception):
    """As many as this process serves are watching already: close one, or ask another replica."""


class Listener:
    """What one page has not been sent yet. A page that takes too little is let go, and comes again."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._changed = asyncio.Event()
        self.ended = False
        self.has_snapshot = False

    def give(self, message: bytes) -> None:
        """Have it sent; ends the listener if too much waits."""
        if len(self._waiting) >= _MOST_WAITING:
            log.warning("console_listener_too_slow", waiting=len(self._waiting))
            self.end()
            return
        self._waiting.append(message)
        self._changed.set()

    def end(self) -> None:
        """Send nothing more."""
        self.ended = True
        self._changed.set()

    async def next(self) -> bytes | None:
        """What is to be sent, or None at the end."""
        while not self.ended:
            if self._waiting:
                return self._waiting.popleft()
            self._changed.clear()
            await self._changed.wait()
        return None


class Hub:
    """The listeners of one process and the loop that looks for them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._listeners: set[Listener] = set()
        self._loop: asyncio.Task[None] | None = None
        self._sections: dict[str, bytes] = {}
        self._closed = False

    def listen(self) -> Listener:
        """Begin to watch.

        Raises:
            TooManyListenersError: 32 watch already, or this process is stopping.
        """
        if self._closed or len(self._listeners) >= MOST_LISTENERS:
            raise TooManyListenersError
        listener = Listener()
        self._listeners.add(listener)
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run(), name="console")
        return listener

    def leave(self, listener: Listener) -> None:
        """Watch no longer."""
        listener.end()
        self._listeners.discard(listener)

    async def close(self) -> None:
        """End every stream, so that none holds up the end of the process."""
        self._closed = True
        self._let_all_go()
        if self._loop is not None:
            await end(self._loop)

    def _let_all_go(self) -> None:
        for listener in list(self._listeners):
            self.leave(listener)

    async def _run(self) -> None:
        try:
            async with self._source.open() as look:
                while self._listeners:
                    began = time.monotonic()
                    await self._tell(look)
                    await asyncio.sleep(pause_seconds(time.monotonic() - began))
                    self._forget_ended()
        except Exception as error:
            log.error("console_failed", error=repr(error)[:500], exc_info=error)
            self._let_all_go()

    async def _tell(self, look: Look) -> None:
        try:
            snapshot = await look()
        except DATABASE_ERRORS as error:
            log.warning("console_blind", error=repr(error)[:500])
            for listener in self._listeners:
                listener.give(_event("trouble", b'{"text":"The database does not answer."}'))
            return
        sections = sections_of(snapshot)
        changed = {
            name: value for name, value in sections.items() if self._sections.get(name) != value
        }
        self._sections = sections
        if snapshot.history:
            changed["point"] = orjson.dumps(snapshot.history[-1].model_dump())
        changed.pop(_HISTORY, None)
        whole, change = _event("snapshot", _joined(sections)), _event("change", _joined(changed))
        for listener in self._listeners:
            listener.give(change if listener.has_snapshot else whole)
            listener.has_snapshot = True

    def _forget_ended(self) -> None:
        self._listeners = {listener for listener in self._listeners if not listener.ended}


def pause_seconds(took_seconds: float) -> float:
    """How long to wait after a look that took so long."""
    return min(
        max(_LOOK_SECONDS, took_seconds * _LOOK_SHARE) - took_seconds, _LONGEST_PAUSE_SECONDS
    )


def sections_of(snapshot: Snapshot) -> dict[str, bytes]:
    """Each section as JSON, to compare and to send."""
    return {name: orjson.dumps(value) for name, value in snapshot.model_dump(mode="json").items()}


def _joined(sections: dict[str, bytes]) -> bytes:
    return b"{" + b",".join(b'"%b":%b' % (k.encode(), v) for k, v in sections.items()) + b"}"


def _event(name: str, data: bytes) -> bytes:
    """A server-sent event; JSON has no line breaks."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
