"""A connection comes back as it was lent, whatever a transaction has set for the whole session."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from rollcall import Database
from tests.db.connected import connected
from tests.db.replica import open_replica
from tests.db.round_trips import counted

_LEFT_BEHIND = (
    "SET work_mem = '77MB'",
    "SELECT pg_advisory_lock(4711)",
    "LISTEN left_behind",
    "DECLARE left_behind CURSOR WITH HOLD FOR SELECT 1",
)
_LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711"


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[Database]:
    """Lends the connection that was given back last."""
    async with open_replica(database) as replica:
        yield replica.database


async def test_a_commit_leaves_nothing_of_the_session_behind(pool: Database, database: str):
    """Locks are gone at once, not when somebody borrows the connection again."""
    async with pool.transaction() as connection:
        lent = await _leave_behind(connection)
    async with connected(database, "els") as other:
        assert await other.fetchval(_LOCKS) == 0
    await _assert_clean(pool, lent)


async def test_a_rollback_leaves_nothing_of_the_session_behind(pool: Database):
    """Advisory locks of a session outlive the transaction that took them."""

    async def fail() -> None:
        async with pool.transaction() as connection:
            lent.append(await _leave_behind(connection))
            raise ValueError("no commit")

    lent: list[int] = []
    with pytest.raises(ValueError, match="no commit"):
        await fail()
    await _assert_clean(pool, *lent)


async def test_what_is_set_after_a_transaction_is_reset_too(pool: Database):
    """By somebody who borrowed the connection for more than one."""
    async with pool.transaction():
        pass
    async with pool.acquire() as connection:
        async with connection.transaction():
            await connection.execute("SELECT 1")
        lent = await _leave_behind(connection)
    await _assert_clean(pool, lent)


async def test_the_reset_takes_no_round_trip_of_its_own(database: str):
    """BEGIN, a statement, COMMIT."""
    async with counted(database) as (dsn, trips), open_replica(dsn) as replica:
        found = []
        for _ in range(3):
            before = trips.count
            async with replica.database.transaction(keep_plans=True) as connection:
                await connection.execute("SELECT 1")
            found.append(trips.count - before)
    assert found == [3, 3, 3]


async def _leave_behind(connection: Any) -> int:
    """Returns which session it was."""
    for statement in _LEFT_BEHIND:
        await connection.fetch(statement)
    pid: int = connection.get_server_pid()
    return pid


async def _assert_clean(database: Database, pid: int) -> None:
    async with database.acquire() as connection:
        assert connection.get_server_pid() == pid
        assert await connection.fetchval("SHOW work_mem") != "77MB"
        assert await connection.fetchval(_LOCKS) == 0
        assert await connection.fetch("SELECT pg_listening_channels()") == []
        assert await connection.fetch("SELECT name FROM pg_cursors WHERE is_holdable") == []
