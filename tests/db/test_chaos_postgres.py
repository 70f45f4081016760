"""Faults of PostgreSQL that overlap: each is what it says, and no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
import pytest

from rollcall_cluster.chaos.arena import Arena
from rollcall_cluster.chaos.faults import postgres
from rollcall_cluster.chaos.faults.postgres import LongTransaction
from tests.db.connected import connected
from tests.eventually import eventually

_LOCK_ALL = "LOCK TABLE position, slot, batch IN ACCESS EXCLUSIVE MODE NOWAIT"
_HOLDS_BACK = "SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid = $1"
_MOVES_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"


class _Arena:
    """Connections, which is all that these faults ask for."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.opened: list[Any] = []

    async def connect(self) -> Any:
        """As the arena does."""
        settings = {"search_path": "els"}
        self.opened.append(await asyncpg.connect(self._dsn, server_settings=settings))
        return self.opened[-1]


@pytest.fixture
async def arena(database: str) -> AsyncIterator[_Arena]:
    """On the test's database."""
    arena = _Arena(database)
    yield arena
    for connection in arena.opened:
        connection.terminate()


async def test_a_snapshot_that_is_held_keeps_rows_and_locks_no_table(
    arena: _Arena, connection: Any
) -> None:
    """Tables are moved and vacuumed meanwhile, and what waits for a table would hold up all behind it."""
    await LongTransaction().inflict(cast("Arena", arena))
    async with connection.transaction():
        await connection.execute(_LOCK_ALL)
    (held,) = arena.opened
    assert await connection.fetchval(_HOLDS_BACK, held.get_server_pid()) == 1


async def test_tables_that_cannot_be_moved_yet_are_left_to_those_who_use_them(
    database: str, connection: Any
) -> None:
    """Whoever comes after the one that waits for a table would wait as long as it does."""
    async with connected(database, "els") as mover:
        async with _in_use(database):
            moving = asyncio.create_task(postgres._move_tables(mover, "pg_default"))
            await eventually(lambda: connection.fetchval(_MOVES_WAITING))
            async with asyncio.timeout(10):
                await connection.fetch("SELECT FROM position")
            assert not moving.done()
        async with asyncio.timeout(30):
            await moving


@asynccontextmanager
async def _in_use(database: str) -> AsyncIterator[None]:
    async with connected(database, "els") as user, user.transaction():
        await user.fetch("SELECT FROM position")
        yield
