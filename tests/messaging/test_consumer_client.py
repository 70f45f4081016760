"""A consumer and its client: who seeks, and for how long the broker gathers records."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from rollcall import ServiceSettings
from rollcall.consumer.consumer import Consumer
from rollcall.consumer.fetch_pace import FetchPace
from tests.db.events import contents
from tests.eventually import eventually
from tests.messaging.members import member, settings_of_members
from tests.services.kafka_client import KafkaClient


class HeldPoll:
    """Stands between a consumer and its client: holds one poll until it is let go."""

    def __init__(self, client: Any) -> None:
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()
        self.let_go.set()
        self._poll = client.getmany
        client.getmany = self._held

    async def _held(self, *partitions: Any, **options: Any) -> Any:
        self.begun.set()
        await self.let_go.wait()
        return await self._poll(*partitions, **options)

    async def hold_the_next(self) -> None:
        """Return once a poll has begun that waits to be let go."""
        self.let_go.clear()
        self.begun.clear()
        await self.begun.wait()


@pytest.fixture
def settings(database: str, topic_prefix: str, kafka_bootstrap: str) -> ServiceSettings:
    """Of a consumer of this test's own."""
    return settings_of_members(database, kafka_bootstrap, topic_prefix)


@pytest.fixture
def handled() -> list[str]:
    """The contents that were handled, in order."""
    return []


@pytest_asyncio.fixture
async def consumer(settings: ServiceSettings, handled: list[str]) -> AsyncIterator[Consumer]:
    """A running consumer of contents."""
    async with member(settings, handled) as consumer:
        yield consumer


async def test_records_drawn_by_a_poll_of_an_older_assignment_are_read_again(
    consumer: Consumer, handled: list[str], settings: ServiceSettings
):
    """They are dropped, so the client has to be sent back after that poll has ended, not before."""
    await eventually(lambda: consumer.ownership.active, message="positions are read")
    poll = HeldPoll(consumer._kafka)
    await poll.hold_the_next()
    consumer.ownership.invalidate()
    with suppress(AssertionError):  # a task that seeks beside the poll would have done so by then
        await eventually(lambda: consumer.ownership.positions, deadline_seconds=2)
    async with KafkaClient(settings.kafka_bootstrap_servers, settings.topic_prefix) as kafka:
        await kafka.send(*contents(uuid4(), 20))
    poll.let_go.set()

    await eventually(lambda: consumer.ownership.positions, message="positions are read again")
    await eventually(lambda: len(handled) == 20, message="20 contents")


async def test_fetches_gather_while_many_records_come_and_no_longer(
    consumer: Consumer,
    handled: list[str],
    settings: ServiceSettings,
    monkeypatch: pytest.MonkeyPatch,
):
    """The broker is asked as before once the flow has ended."""
    decided: list[bool] = []
    decide = FetchPace._set

    def note(pace: FetchPace, *, gathers: bool) -> None:
        decided.append(gathers)
        decide(pace, gathers=gathers)

    monkeypatch.setattr(FetchPace, "_set", note)
    await eventually(lambda: consumer.ownership.active, message="positions are read")
    async with KafkaClient(settings.kafka_bootstrap_servers, settings.topic_prefix) as kafka:
        await kafka.send(*contents(uuid4(), 2000))
    await eventually(lambda: len(handled) == 2000, message="2,000 contents")
    await eventually(lambda: True in decided, message="fetches gather")
    await eventually(lambda: not decided[-1], message="fetches do not gather any more")
    fetcher = consumer._kafka._fetcher
    assert (fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms) == (1, 500)
