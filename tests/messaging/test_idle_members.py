"""A member that fetches nothing for long stays in its group; one whose group refused it comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from aiokafka.errors import GroupAuthorizationFailedError

from rollcall import ServiceSettings
from rollcall.consumer.consumer import Consumer
from rollcall.consumer.pauses import PauseStore
from tests.db.events import contents
from tests.eventually import eventually
from tests.messaging.members import member, settings_of_members, topic_of
from tests.services.kafka_client import KafkaClient

PARTITIONS = 3
# Long, and less than max.poll.interval: nothing may leave its group while a test looks.
LONG_SECONDS = 300.0


@pytest.fixture
def settings(database: str, topic_prefix: str, kafka_bootstrap: str) -> ServiceSettings:
    """Of members of a group of this test's own."""
    return settings_of_members(
        database, kafka_bootstrap, topic_prefix, session_timeout_seconds=6, chunk_max_records=10
    )


@pytest.fixture
def handled() -> list[str]:
    """The contents that were handled, in order."""
    return []


@pytest_asyncio.fixture
async def consumer(settings: ServiceSettings, handled: list[str]) -> AsyncIterator[Consumer]:
    """A member that owns every partition."""
    async with member(settings, handled) as consumer:
        await eventually(lambda: consumer.ownership.active, message="positions are read")
        yield consumer


async def _is_polled(consumer: Consumer) -> None:
    """Return once somebody has polled the client, who had not for long."""
    subscription = consumer._kafka._subscription
    await eventually(lambda: subscription._fetch_count == 0, message="the last poll has ended")
    subscription._last_fetch_ended = monotonic() - LONG_SECONDS
    await eventually(lambda: subscription.fetcher_idle_time < LONG_SECONDS, deadline_seconds=20)


async def _handles(settings: ServiceSettings, handled: list[str], count: int) -> None:
    async with KafkaClient(settings.kafka_bootstrap_servers, settings.topic_prefix) as kafka:
        await kafka.send(*contents(uuid4(), count))
    await eventually(lambda: len(handled) >= count, message=f"{count} contents")


async def test_a_standby_is_polled(settings: ServiceSettings) -> None:
    """More members than partitions: one of them takes over when another goes."""
    async with AsyncExitStack() as stack:
        members = [
            await stack.enter_async_context(
                member(settings.model_copy(update={"instance_id": f"member-{n}"}), [])
            )
            for n in range(PARTITIONS + 1)
        ]

        def shared() -> bool:
            counts = sorted(len(each.ownership.assigned) for each in members)
            return counts == [0] + [1] * PARTITIONS

        await eventually(shared, message="each has a partition but one")
        await _is_polled(next(each for each in members if not each.ownership.assigned))


async def test_a_member_whose_topics_are_paused_is_polled(
    settings: ServiceSettings, consumer: Consumer
) -> None:
    store = PauseStore(settings.consumer_group)
    async with consumer._database.acquire() as connection:
        await store.pause(connection, topic_of(settings), "a test", "me")
    await eventually(lambda: consumer.ownership.paused, message="the topic is paused")
    await _is_polled(consumer)


async def test_a_member_with_full_hands_and_no_database_is_polled(
    settings: ServiceSettings, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise ConnectionError("PostgreSQL is away")

    monkeypatch.setattr(consumer._database, "transaction", away)
    async with KafkaClient(settings.kafka_bootstrap_servers, settings.topic_prefix) as kafka:
        for partition in range(PARTITIONS):
            await kafka.send(*contents(uuid4(), 60), partition=partition)
    active = consumer.ownership.active
    await eventually(lambda: not consumer._streams.with_room(active)[0], message="all is full")
    await _is_polled(consumer)


async def test_a_member_that_cannot_read_its_positions_is_polled(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()

    async def away(_: object) -> None:
        failed.set()
        raise ConnectionError("PostgreSQL is away")

    monkeypatch.setattr(consumer._starting_points, "find", away)
    consumer.ownership.invalidate()
    await failed.wait()
    await _is_polled(consumer)


async def test_a_member_whose_heartbeat_was_refused_once_comes_back(
    settings: ServiceSettings, consumer: Consumer, handled: list[str]
) -> None:
    """As by a right that was withdrawn for a moment. The client ends its heartbeat for good then."""
    coordinator = consumer._kafka._coordinator
    ask = coordinator._do_heartbeat

    async def refused() -> bool:
        coordinator._do_heartbeat = ask
        raise GroupAuthorizationFailedError(settings.consumer_group)

    coordinator._do_heartbeat = refused
    ended = coordinator._heartbeat_task
    await eventually(ended.done, message="the heartbeat has ended")
    await eventually(
        lambda: coordinator._heartbeat_task not in {None, ended}, message="another one has begun"
    )
    await _handles(settings, handled, 15)


async def test_a_member_whose_join_was_refused_once_comes_back(
    settings: ServiceSettings, consumer: Consumer, handled: list[str]
) -> None:
    """The client waits with the next try until somebody has heard of the refusal."""
    coordinator = consumer._kafka._coordinator
    join = coordinator._do_rejoin_group
    was_refused = asyncio.Event()

    async def refused(_: object) -> bool:
        coordinator._do_rejoin_group = join
        was_refused.set()
        raise GroupAuthorizationFailedError(settings.consumer_group)

    coordinator._do_rejoin_group = refused
    coordinator.request_rejoin()
    await was_refused.wait()
    await _handles(settings, handled, 15)


async def test_a_member_whose_connections_are_silent_opens_new_ones_soon_after_it_was_given_up(
    settings: ServiceSettings, consumer: Consumer, handled: list[str]
) -> None:
    """Half open: the other side may long be gone. The client's own limit for an answer is 40 s."""
    client = consumer._kafka._client
    silent, before = list(client._conns.values()), consumer.ownership.generation
    assert silent
    for connection in silent:
        connection._writer.transport.pause_reading()
    async with KafkaClient(settings.kafka_bootstrap_servers, settings.topic_prefix) as kafka:
        await kafka.send(*contents(uuid4(), PARTITIONS))
    await eventually(lambda: len(handled) >= PARTITIONS, deadline_seconds=30)
    await eventually(
        lambda: consumer.ownership.active and consumer.ownership.generation > before,
        message="it has joined its group again",
    )
    assert not any(each in silent for each in client._conns.values())
