"""Whatever a stopped instance was about to say: the server ends its sessions and frees what they hold.

The client library asks the server to prepare a statement, and to run it, in two requests. An instance
that stops between the two leaves the server in the middle of a command: not idle, for any time.
"""

import asyncio
from typing import Any
from uuid import UUID

from rollcall import Database
from rollcall.outbox.lane_session import LaneSession
from rollcall.settings import ServiceSettings
from tests.db.events import registration
from tests.db.replica import Replica
from tests.eventually import eventually

_LOCK = "SELECT FROM batch WHERE batch_id = $1 FOR UPDATE"
_LOCK_IF_FREE = "SELECT true FROM batch WHERE batch_id = $1 FOR UPDATE SKIP LOCKED"
_LOCK_LANE = "SELECT pg_try_advisory_lock(current_schema()::regnamespace::oid::int, $1)"
_STATE = "SELECT state, wait_event FROM pg_stat_activity WHERE pid = $1"


def _settings(dsn: str) -> ServiceSettings:
    return ServiceSettings.model_validate(
        {
            "postgres_dsn": dsn,
            "database_schema": "els",
            "transaction_timeout_seconds": 1,
            "lane_session_timeout_seconds": 3,
        }
    )


async def _assert_in_the_middle_of_a_command(session: Any, observer: Any) -> None:
    state = await observer.fetchrow(_STATE, session.get_server_pid())
    assert tuple(state) == ("active", "ClientRead")


async def test_rows_are_freed_that_an_instance_locked_before_it_stopped_within_a_statement(
    replica: Replica, database: str, connection: Any, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1))
    stopping = Database(_settings(database))
    await stopping.open()
    try:
        async with stopping.acquire() as stopped:
            ended = asyncio.Event()
            stopped.add_termination_listener(lambda _: ended.set())
            await stopped.execute("BEGIN")
            await stopped.fetch(_LOCK, batch_id)
            await stopped.prepare("SELECT 1")  # and never runs it
            await _assert_in_the_middle_of_a_command(stopped, connection)

            await eventually(lambda: connection.fetchval(_LOCK_IF_FREE, batch_id))
            await eventually(ended.is_set)  # the client knows: it will not reset the session
    finally:
        await stopping.close()


async def test_lanes_are_freed_of_an_owner_that_stopped_within_a_statement(
    database: str, connection: Any
) -> None:
    session = await LaneSession.open(_settings(database))
    try:
        assert await session.try_lock(2)
        async with session.connection() as stopped:
            await stopped.prepare("SELECT 1")  # and never runs it
            await _assert_in_the_middle_of_a_command(stopped, connection)

            await eventually(lambda: connection.fetchval(_LOCK_LANE, 2))
    finally:
        await session.close()
