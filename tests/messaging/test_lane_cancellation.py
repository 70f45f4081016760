"""Giving a lane up while it is being taken over: the publisher ends, so that the lane can be unlocked."""

import asyncio
import contextlib
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from rollcall import ServiceSettings
from rollcall.database.pool import Database
from rollcall.outbox.lane_guard import LaneGuard
from rollcall.outbox.producer import LaneProducer
from rollcall.outbox.segment import SegmentCodec
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS
from tests.eventually import DEADLINE_SECONDS


async def test_a_take_over_that_is_cancelled_while_it_closes_its_reader_is_cancelled(
    kafka_bootstrap: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
):
    """aiokafka swallows a cancellation there: the lane would be published, and locked, for ever."""
    settings = ServiceSettings.model_validate(
        {"kafka_bootstrap_servers": kafka_bootstrap, "topic_prefix": topic_prefix}
    )
    producer = LaneProducer(settings, Topology(TOPICS), 0, SegmentCodec())
    opening = asyncio.create_task(producer.open())
    stop = AIOKafkaConsumer.stop

    async def cancelled_while_stopping(consumer: Any) -> None:
        opening.cancel()
        await stop(consumer)

    monkeypatch.setattr(AIOKafkaConsumer, "stop", cancelled_while_stopping)
    try:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(opening, DEADLINE_SECONDS)
    finally:
        await producer.close()


async def test_a_check_of_lanes_that_is_cancelled_while_it_closes_its_reader_is_cancelled(
    kafka_bootstrap: str, topic_prefix: str, database: str, monkeypatch: pytest.MonkeyPatch
):
    """A replica that is told to stop while it starts would go on starting."""
    settings = ServiceSettings.model_validate(
        {
            "kafka_bootstrap_servers": kafka_bootstrap,
            "topic_prefix": topic_prefix,
            "postgres_dsn": database,
            "database_schema": "els",
        }
    )
    known = Database(settings)
    await known.open()
    checking = asyncio.create_task(LaneGuard(settings, Topology(TOPICS), known).check())
    stop = AIOKafkaConsumer.stop

    async def cancelled_while_stopping(consumer: Any) -> None:
        checking.cancel()
        with contextlib.suppress(asyncio.CancelledError):  # as aiokafka does after a fetch
            await asyncio.sleep(0)
        await stop(consumer)

    monkeypatch.setattr(AIOKafkaConsumer, "stop", cancelled_while_stopping)
    try:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(checking, DEADLINE_SECONDS)
    finally:
        await known.close()
