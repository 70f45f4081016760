"""The relay finds what others write into its lanes, also when a lane has long had nothing to do."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rollcall.outbox import publisher as publisher_module
from rollcall.outbox.lane_session import LaneSession
from rollcall.outbox.publisher import LanePublisher
from rollcall.outbox.relay import Relay
from rollcall.outbox.store import OutboxStore
from rollcall.settings import ServiceSettings
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS
from tests.eventually import DEADLINE_SECONDS, eventually
from tests.unit.model.broker import Broker
from tests.unit.model.lanes import SETTINGS, in_place_of_kafka, published, segment

LANES = 3


@pytest.fixture
def broker() -> Iterator[Broker]:
    """Kafka's semantics in memory."""
    with in_place_of_kafka() as broker:
        broker.partitions = 1
        yield broker


@pytest.fixture
def resting(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The lanes that wait to be woken and do not look by themselves any more."""
    lanes: set[int] = set()
    wait = LanePublisher._wait

    async def told(publisher: LanePublisher) -> None:
        if publisher._poll_seconds > publisher_module._POLL_LAST_SECONDS:
            lanes.add(publisher._lane)
        await wait(publisher)

    monkeypatch.setattr(LanePublisher, "_wait", told)
    return lanes


@pytest.mark.parametrize(("others", "looks"), [(0, 1), (1, 5)])
async def test_where_nobody_else_writes_the_relay_seldom_looks(
    database: str,
    connection: Any,
    broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
    others: int,
    looks: int,
) -> None:
    """Of what an idle replica costs, this was a third of the queries."""
    asked: list[str] = []
    _note(monkeypatch, asked, LaneSession, "beat")
    _note(monkeypatch, asked, OutboxStore, "waiting")
    for number in range(others):
        await connection.execute(
            "INSERT INTO instance (instance_id, host, pid, heartbeat_at)"
            " VALUES ($1, 'elsewhere', 1, now() + interval '1 hour')",
            f"other-{number}",
        )
    async with _relay(database):
        await eventually(lambda: asked.count("beat") > 2)
    first, second = [at for at, what in enumerate(asked) if what == "beat"][:2]
    assert asked[first + 1 : second] == ["waiting"] * looks


async def test_a_segment_of_another_instance_wakes_a_lane_at_rest(
    database: str, connection: Any, broker: Broker, resting: set[int]
) -> None:
    async with _relay(database):
        await eventually(lambda: len(resting) == LANES)
        for lane in (2, 0):
            await OutboxStore().append(connection, [(lane, 2, segment(lane).payload)])
            await eventually(lambda lane=lane: b"%d.1" % lane in published(broker))
        assert await eventually(lambda: connection.fetchval("SELECT count(*) = 0 FROM segment")), (
            "what is published is forgotten"
        )


@asynccontextmanager
async def _relay(dsn: str) -> AsyncIterator[None]:
    """One that runs."""
    changes = {"postgres_dsn": dsn, "database_schema": "els", "lanes": LANES}
    settings = ServiceSettings.model_validate(SETTINGS.model_dump() | changes)
    relay = Relay(settings, Topology(TOPICS), Metrics(), lambda: None)
    running = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        relay.stop()
        await asyncio.wait_for(running, DEADLINE_SECONDS)


def _note(monkeypatch: pytest.MonkeyPatch, asked: list[str], owner: type, name: str) -> None:
    """Calls of a method, in order."""
    method = getattr(owner, name)

    async def noted(*arguments: Any) -> Any:
        asked.append(name)
        return await method(*arguments)

    monkeypatch.setattr(owner, name, noted)
