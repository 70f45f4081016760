"""A server's host that is gone without a word is noticed by the kernel, not by a statement's time limit.

The connection's own kernel throws away all that arrives for it, as if the network had stopped to deliver.
"""

import asyncio
import ctypes
import os
import socket
import struct
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest

from rollcall import Database
from rollcall.database import keepalive
from rollcall.database.pool import connect_session
from rollcall.settings import ServiceSettings
from tests.eventually import eventually

# A statement that has taken too long is a TimeoutError instead.
_LOST = (ConnectionError, asyncpg.PostgresConnectionError)
_SO_ATTACH_FILTER = 26
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)
_RUNS = "SELECT true FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND wait_event = 'PgSleep'"


def fall_silent(connection: Any) -> None:
    """Let nothing arrive any more, confirmations of what was sent included."""
    code = ctypes.create_string_buffer(_DROP_ALL)
    program = struct.pack("HL", 1, ctypes.addressof(code))
    with socket.socket(
        fileno=os.dup(connection._transport.get_extra_info("socket").fileno())
    ) as end:
        end.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


@pytest.fixture(params=["of the pool", "of a lane"])
async def connection_to_lose(
    request: pytest.FixtureRequest, database: str, monkeypatch: pytest.MonkeyPatch
) -> Any:
    monkeypatch.setattr(keepalive, "ASK_AFTER_SECONDS", 1)
    monkeypatch.setattr(keepalive, "UNCONFIRMED_SECONDS", 2)
    settings = ServiceSettings.model_validate({"postgres_dsn": database, "database_schema": "els"})
    async with AsyncExitStack() as stack:
        if request.param == "of a lane":
            lost = await connect_session(settings, 60)
            stack.callback(lost.terminate)
        else:
            pool = Database(settings)
            await pool.open()
            stack.push_async_callback(pool.close)
            lost = await stack.enter_async_context(pool.acquire())
        yield lost


async def test_a_statement_that_cannot_be_delivered_ends_with_its_connection(
    connection_to_lose: Any,
) -> None:
    fall_silent(connection_to_lose)
    with pytest.raises(_LOST):
        await connection_to_lose.fetchval("SELECT 1")


async def test_a_statement_whose_answer_never_comes_ends_with_its_connection(
    connection_to_lose: Any, connection: Any
) -> None:
    waiting = asyncio.create_task(connection_to_lose.fetchval("SELECT pg_sleep(600)"))
    pid = connection_to_lose.get_server_pid()
    await eventually(lambda: connection.fetchval(_RUNS, pid))
    fall_silent(connection_to_lose)
    with pytest.raises(_LOST):
        await waiting
