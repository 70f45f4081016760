"""Who watches is told; who takes too little is let go; nobody watching costs nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from rollcall.console.documents import Letters, Point, Relay, Snapshot, Timeline, Totals
from rollcall.console.event_stream import EventStream
from rollcall.console.hub import MOST_LISTENERS, Hub, Listener, TooManyListenersError, pause_seconds
from rollcall.console.source import Look
from tests.eventually import eventually
from tests.unit.console.moments import START, at


class Looks:
    """A source that counts its looks."""

    def __init__(self, failures: int = 0) -> None:
        self.taken = 0
        self.is_open = False
        self._failures = failures

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Look]:
        """As the real one."""
        self.is_open = True
        yield self._look
        self.is_open = False

    async def _look(self) -> Snapshot:
        self.taken += 1
        if self.taken <= self._failures:
            raise ConnectionError("no database")
        return snapshot(self.taken)


def snapshot(seconds: int) -> Snapshot:
    """A service without anything; only the time moves."""
    return Snapshot(
        at=at(seconds),
        service="s",
        group="g",
        told_by="a",
        totals=Totals(instances=0, ready=0, lag=0, records_per_second=None),
        instances=[],
        instances_left_out=0,
        partitions=[],
        topics=[],
        relay=Relay(lanes=[], events=0, more=False),
        letters=Letters(counts=[], dead=0, more=False),
        fills=None,
        timeline=Timeline(watched_since=START, entries=[]),
        history=[Point(at=at(seconds), lag=0, records_per_second=None)],
    )


def told(message: bytes | None) -> tuple[str, set[str]]:
    """A message's name and the names of what it holds."""
    assert message is not None
    assert message.endswith(b"\n\n")
    name, data = message.decode().strip().split("\n")
    return name.removeprefix("event: "), set(orjson.loads(data.removeprefix("data: ")))


async def test_a_listener_is_sent_everything_once_and_then_what_changed() -> None:
    hub = Hub(Looks())
    listener = hub.listen()
    name, sections = told(await listener.next())
    assert (name, sections) == ("snapshot", set(Snapshot.model_fields))
    assert told(await listener.next()) == ("change", {"at", "point"})
    await hub.close()
    assert await listener.next() is None


async def test_nobody_looks_while_nobody_listens() -> None:
    source = Looks()
    hub = Hub(source)
    listeners = [hub.listen() for _ in range(3)]
    await asyncio.gather(*(listener.next() for listener in listeners))
    assert source.taken < len(listeners), "one look serves all listeners"
    for listener in listeners:
        hub.leave(listener)
    await eventually(lambda: not source.is_open)
    taken = source.taken
    late = hub.listen()
    assert told(await late.next())[0] == "snapshot"
    assert source.taken > taken
    await hub.close()


async def test_without_a_database_listeners_are_told_and_stay() -> None:
    hub = Hub(Looks(failures=1))
    listener = hub.listen()
    assert told(await listener.next()) == ("trouble", {"text"})
    assert told(await listener.next())[0] == "snapshot"
    await hub.close()


async def test_there_is_a_most_number_of_listeners_and_none_after_the_end() -> None:
    hub = Hub(Looks())
    for _ in range(MOST_LISTENERS):
        hub.listen()
    with pytest.raises(TooManyListenersError):
        hub.listen()
    await hub.close()
    with pytest.raises(TooManyListenersError):
        hub.listen()


async def test_a_listener_that_takes_nothing_is_let_go() -> None:
    listener = Listener()
    for number in range(9):
        assert not listener.ended
        listener.give(b"%d" % number)
    assert listener.ended
    assert await listener.next() is None


async def test_a_stream_whose_page_is_gone_stops_listening() -> None:
    source = Looks()
    hub = Hub(source)
    sent: list[bytes] = []
    gone = asyncio.Event()

    async def receive() -> dict[str, str]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(bytes(message.get("body", b"")))  # type: ignore[call-overload]

    stream = asyncio.create_task(EventStream(hub)({"type": "http"}, receive, send))
    await eventually(lambda: any(b"event: snapshot" in body for body in sent))
    gone.set()
    await stream
    await eventually(lambda: not source.is_open)
    assert len([hub.listen() for _ in range(MOST_LISTENERS)]) == MOST_LISTENERS
    await hub.close()


async def test_a_stream_that_cannot_be_sent_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollcall.console.event_stream._SEND_SECONDS", 0.05)
    hub = Hub(Looks())
    never = asyncio.Event()

    async def stuck(_message: object = None) -> dict[str, str]:
        await never.wait()
        return {}

    await asyncio.wait_for(EventStream(hub)({"type": "http"}, stuck, stuck), 30)
    await hub.close()


@pytest.mark.parametrize(("took", "pause"), [(0.0, 1.0), (0.01, 0.99), (0.2, 3.8), (4.0, 10.0)])
def test_looks_that_take_long_are_taken_less_often(took: float, pause: float) -> None:
    assert pause_seconds(took) == pytest.approx(pause)
