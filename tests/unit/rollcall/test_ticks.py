"""What one process looks at regularly it looks at together, and never later than it would otherwise."""

from collections.abc import Coroutine
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from rollcall import ServiceSettings, http, ticks
from rollcall.access.watch import AccessWatch
from rollcall.consumer.chunk_watch import ChunkWatch
from rollcall.consumer.consumer import Consumer
from rollcall.consumer.pausing import Pausing
from rollcall.consumer.position_report import PositionReport
from rollcall.instance import Instance
from rollcall.outbox.lane_watch import LaneWatch
from rollcall.outbox.relay import Relay
from tests.clock import Clock

SETTINGS = ServiceSettings(kafka_bootstrap_servers="nobody:1", postgres_dsn="postgresql://nobody")


def _ends(seconds: float) -> list[float]:
    """When waits end that begin at many moments of three seconds."""
    starts = [1000 + n * 0.013 for n in range(230)]
    return [start + ticks.seconds_until_tick(seconds, Clock(start)) for start in starts]


@pytest.mark.parametrize("seconds", [0.5, 1.0, 5.0, 7.3])
def test_waits_end_at_ticks(seconds: float) -> None:
    a_tick = 1000 + ticks.seconds_until_tick(0.5, Clock(1000.0))
    between = [(end - a_tick) / ticks.TICK_SECONDS for end in _ends(seconds)]
    assert between == pytest.approx([round(number) for number in between], abs=1e-6)


@pytest.mark.parametrize("seconds", [0.5, 1.0, 5.0, 7.3])
def test_a_wait_is_no_longer_than_asked_for_and_less_than_a_tick_shorter(seconds: float) -> None:
    starts = [1000 + n * 0.013 for n in range(230)]
    waits = [end - start for start, end in zip(starts, _ends(seconds), strict=True)]
    assert max(waits) <= seconds + 0.011
    assert min(waits) > seconds - ticks.TICK_SECONDS


def test_a_short_pause_is_kept() -> None:
    assert ticks.seconds_until_tick(0.01) == 0.01


def test_who_is_woken_a_moment_early_waits_for_the_next_tick() -> None:
    """Else each tick would be two."""
    at_a_tick = 1000 + ticks.seconds_until_tick(0.5, Clock(1000.0))
    early = Clock(at_a_tick - 0.001)
    assert ticks.seconds_until_tick(0.5, early) == pytest.approx(0.501)


def test_two_processes_have_ticks_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replicas on one machine read one clock, and would all wake up at once."""
    waits = []
    for phase_seconds in (0.1, 0.3):
        monkeypatch.setattr(ticks, "_PHASE_SECONDS", phase_seconds)
        waits.append(ticks.seconds_until_tick(1.0, Clock(1000.0)))
    assert waits == pytest.approx([0.9, 0.7])


class _SleptError(Exception):
    pass


def _database_that_is_away() -> Any:
    database = MagicMock()
    database.acquire.side_effect = ConnectionRefusedError
    return database


def _pausing() -> Pausing:
    return Pausing(SETTINGS, _database_that_is_away(), MagicMock(), MagicMock(), MagicMock())


def _report() -> PositionReport:
    ownership = MagicMock(unpositioned=["a"], positions={})
    return PositionReport(MagicMock(), ownership, MagicMock(), MagicMock())


def _polling(active: list[str]) -> Any:
    consumer = MagicMock()
    consumer.ownership.unpositioned = []
    consumer.ownership.active = active
    consumer._streams.with_room.return_value = active, 1
    consumer._wait_for_change = lambda: Consumer._wait_for_change(consumer)
    return consumer


LOOKS = {
    "access": lambda: AccessWatch(SETTINGS, list).run(),
    "chunks": lambda: ChunkWatch(MagicMock(), MagicMock(), MagicMock()).run(),
    "client": lambda: Consumer._watch_for_ever(MagicMock()),
    "lanes": lambda: LaneWatch(MagicMock(), MagicMock(), 30.0, list).run(),
    "pauses": lambda: _pausing().follow_for_ever(),
    "positions": lambda: _report().run_for_ever(),
    "rate": lambda: Instance._sample_rate(MagicMock()),
    "relay": lambda: Relay._look_until_next_beat(MagicMock(), MagicMock(), 1),
    "poll": lambda: Consumer._fetch_once(_polling(["a"])),
    "poll without partitions": lambda: Consumer._fetch_once(_polling([])),
    "web server": lambda: http._Server.main_loop(MagicMock(on_tick=AsyncMock(return_value=False))),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
async def test_regular_looks_are_at_ticks(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: float) -> Coroutine[Any, Any, None]:
        raise _SleptError

    monkeypatch.setattr(ticks, "seconds_until_tick", refuse)
    with pytest.raises(_SleptError):
        await look()
