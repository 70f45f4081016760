"""Fetches are answered at once while few records come, and gather for a moment while many do."""

from types import SimpleNamespace

from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.subscription_state import SubscriptionState

from rollcall.consumer.fetch_pace import FetchPace
from tests.clock import Clock

AT_ONCE = (1, 500)
GATHERING = (65_536, 15)


class Client:
    """As much of aiokafka's consumer as is looked at."""

    def __init__(self) -> None:
        self._fetcher = SimpleNamespace(_fetch_min_bytes=1, _fetch_max_wait_ms=500)

    @property
    def limits(self) -> tuple[int, int]:
        """What the next fetch asks for: bytes, and for how long to wait for them."""
        return self._fetcher._fetch_min_bytes, self._fetcher._fetch_max_wait_ms


def _flow(pace: FetchPace, clock: Clock, records_a_second: float, seconds: float = 2.0) -> None:
    """Poll a hundred times a second."""
    for _ in range(round(seconds * 100)):
        clock.seconds += 0.01
        pace.polled(round(records_a_second / 100))


def test_many_records_are_gathered_and_few_are_not() -> None:
    """And what was set first comes back."""
    client, clock = Client(), Clock()
    pace = FetchPace(client, clock)
    _flow(pace, clock, 100)
    assert client.limits == AT_ONCE
    _flow(pace, clock, 300)
    assert client.limits == GATHERING
    _flow(pace, clock, 8000)
    assert client.limits == GATHERING
    _flow(pace, clock, 100)
    assert client.limits == AT_ONCE


def test_a_flow_that_ends_is_noticed_by_polls_that_bring_nothing() -> None:
    """Else the broker would be asked forty times a second for nothing."""
    client, clock = Client(), Clock()
    pace = FetchPace(client, clock)
    _flow(pace, clock, 1000)
    assert client.limits == GATHERING
    for _ in range(2):
        clock.seconds += 0.5
        pace.polled(0)
    assert client.limits == AT_ONCE


def test_a_single_burst_changes_nothing_for_long() -> None:
    client, clock = Client(), Clock()
    pace = FetchPace(client, clock)
    pace.polled(5000)
    clock.seconds += 0.5
    pace.polled(0)
    assert client.limits == GATHERING
    clock.seconds += 0.5
    pace.polled(0)
    assert client.limits == AT_ONCE


async def test_the_client_has_these_limits_by_these_names() -> None:
    """A later release may not: then fetches would be answered at once for ever, silently."""
    fetcher = Fetcher(AIOKafkaClient(), SubscriptionState())
    try:
        assert (fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms) == AT_ONCE
    finally:
        await fetcher.close()
