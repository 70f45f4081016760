"""The relay finds what others write into its lanes, also when a lane has long had nothing to do."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from rollcall.outbox import publisher as publisher_module
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


async def test_a_segment_of_another_instance_wakes_a_lane_at_rest(
    database: str, connection: Any, broker: Broker, resting: set[int]
) -> None:
    changes = {"postgres_dsn": database, "database_schema": "els", "lanes": LANES}
    settings = ServiceSettings.model_validate(SETTINGS.model_dump() | changes)
    relay = Relay(settings, Topology(TOPICS), Metrics(), lambda: None)
    running = asyncio.create_task(relay.run())
    try:
        await eventually(lambda: len(resting) == LANES)
        for lane in (2, 0):
            await OutboxStore().append(connection, [(lane, 2, segment(lane).payload)])
            await eventually(lambda lane=lane: b"%d.1" % lane in published(broker))
        assert await eventually(lambda: connection.fetchval("SELECT count(*) = 0 FROM segment")), (
            "what is published is forgotten"
        )
    finally:
        relay.stop()
        await asyncio.wait_for(running, DEADLINE_SECONDS)
