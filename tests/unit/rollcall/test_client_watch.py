"""A Kafka client that looks alive and does nothing is found out."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import InvalidSessionTimeoutError

from rollcall.consumer.client_watch import ClientWatch
from rollcall.errors import FetcherDeadError, SessionTimeoutRefusedError
from rollcall.exit_codes import ExitCode
from tests.clock import Clock


async def _lives() -> None:
    await asyncio.Event().wait()


class Client:
    """The parts of a Kafka client that are watched."""

    def __init__(self) -> None:
        self.answers = True
        self._fetcher = SimpleNamespace(_fetch_task=asyncio.create_task(_lives()))
        self._client = SimpleNamespace(_sync_task=asyncio.create_task(_lives()))
        self._coordinator = SimpleNamespace(
            _coordination_task=asyncio.create_task(_lives()),
            _heartbeat_task=None,
            _commit_refresh_task=None,
            _do_heartbeat=self._beat,
            _pending_exception=None,
        )

    async def _beat(self) -> bool:
        return self.answers


@pytest.fixture
async def kafka() -> Any:
    """A client whose tasks live."""
    client = Client()
    yield client
    client._fetcher._fetch_task.cancel()
    client._coordinator._coordination_task.cancel()
    client._client._sync_task.cancel()


async def test_a_session_timeout_that_the_brokers_refuse_ends_it_with_the_remedy(kafka: Any):
    """The client keeps the refusal for whoever polls; nobody does before partitions are assigned."""
    watch = ClientWatch(2.5, 60)
    kafka._coordinator._pending_exception = InvalidSessionTimeoutError()
    with pytest.raises(
        SessionTimeoutRefusedError, match=r"TIMEOUT_SECONDS=2.5 .*set it between"
    ) as e:
        watch.check(kafka, starving=False)
    assert e.value.exit_code is ExitCode.MISCONFIGURED


async def test_records_that_wait_for_longer_than_the_limit_end_it(kafka: Any):
    clock = Clock()
    watch = ClientWatch(10, 60, clock)
    for _ in range(61):
        watch.check(kafka, starving=True)
        clock.seconds += 1
    with pytest.raises(FetcherDeadError, match="nothing was fetched for 61 s"):
        watch.check(kafka, starving=True)


@pytest.mark.parametrize("sign", ["fetched", "satisfied"])
async def test_any_sign_of_life_begins_the_time_anew(kafka: Any, sign: str):
    clock = Clock()
    watch = ClientWatch(10, 60, clock)
    for second in range(1000):
        clock.seconds += 1
        watch.check(kafka, starving=sign == "fetched" or second % 50 > 0)
        if sign == "fetched" and second % 50 == 0:
            watch.fetched()


async def test_without_a_limit_it_only_waits(kafka: Any):
    clock = Clock()
    watch = ClientWatch(10, 0, clock)
    watch.check(kafka, starving=True)
    clock.seconds += 1e6
    watch.check(kafka, starving=True)


@pytest.mark.parametrize(
    ("owner", "part"),
    [
        ("_fetcher", "_fetch_task"),
        ("_coordinator", "_coordination_task"),
        ("_client", "_sync_task"),
    ],
)
async def test_a_task_that_ended_ends_it_at_once(kafka: Any, owner: str, part: str):
    task = getattr(getattr(kafka, owner), part)
    task.cancel()
    await asyncio.wait([task])
    with pytest.raises(FetcherDeadError, match="task ended: it was cancelled"):
        ClientWatch(10, 60).check(kafka, starving=False)


async def test_heartbeats_count_only_when_they_are_answered(kafka: Any):
    clock = Clock()
    watch = ClientWatch(10, 60, clock)
    assert watch.problems() == []
    watch.attach(kafka)
    clock.seconds = 8
    assert await kafka._coordinator._do_heartbeat()
    clock.seconds = 18
    assert watch.problems() == []
    kafka.answers = False
    assert not await kafka._coordinator._do_heartbeat()
    clock.seconds = 19
    assert watch.problems() == [
        "group heartbeat missing: Kafka has not answered one for 11 s",
    ]
