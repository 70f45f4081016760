"""Small transactions keep their plans, but never longer than tables take to grow."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

import pytest

from rollcall import Database
from rollcall.database import transaction_connection
from rollcall.database.transaction_connection import FEW_RECORDS
from rollcall.outbox.lane_session import LaneSession
from rollcall.settings import ServiceSettings
from tests.db.events import contents, registration
from tests.db.replica import open_replica
from tests.unit.model.lanes import SETTINGS

_PLANS = """
SELECT sum(generic_plans)::int, sum(custom_plans)::int FROM pg_prepared_statements
WHERE statement LIKE 'WITH claim AS%'
"""
_GROWS = "CREATE TABLE grows (id int PRIMARY KEY) WITH (autovacuum_enabled = off)"
_STATEMENT = "SELECT id FROM grows WHERE id = ANY($1::int[])"
_GROW = "INSERT INTO grows SELECT generate_series(1, 100000)"


async def test_a_small_chunk_uses_the_plans_that_are_there_and_a_large_one_has_its_own(
    database: str, batch_id: UUID
) -> None:
    """Told by the server, of the statement that takes slots."""
    async with open_replica(database) as replica:
        await replica.handle(registration(batch_id, 10 * FEW_RECORDS))
        await replica.handle(*contents(batch_id, FEW_RECORDS))
        assert await _plans(replica.database) == (1, 0)
        await replica.handle(*contents(batch_id, FEW_RECORDS + 1, first=FEW_RECORDS))
        assert await _plans(replica.database) == (1, 1)


async def test_beside_a_handler_that_does_not_say_so_nothing_keeps_plans(
    database: str, batch_id: UUID
) -> None:
    """What a registration makes is as large as its batch, however small its chunk is."""
    async with open_replica(database) as replica:
        await replica.handle(registration(batch_id, 10 * FEW_RECORDS))
        await replica.handle(registration(uuid4(), 1), *contents(batch_id, 1))
        assert await _plans(replica.database) == (0, 1)


async def test_a_plan_for_an_empty_table_does_not_survive_its_growth(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No statistics are gathered meanwhile: what is looked at is the table's size."""
    async with open_replica(database) as replica:
        async with replica.database.acquire() as connection:
            await connection.execute(_GROWS)
            await connection.execute("VACUUM grows")
        assert "Seq Scan" in await _kept_plan(replica.database)
        async with replica.database.acquire() as connection:
            await connection.execute(_GROW)
        assert "Seq Scan" in await _kept_plan(replica.database)

        monkeypatch.setattr(transaction_connection, "_KEPT_SECONDS", 0.0)
        assert "Index" in await _kept_plan(replica.database)


async def test_a_lane_session_forgets_its_plans_at_each_beat(database: str) -> None:
    """Its plans are kept whatever it executes, so nothing else would end them."""
    changes = {"postgres_dsn": database, "database_schema": "els"}
    settings = ServiceSettings.model_validate(SETTINGS.model_dump() | changes)
    session = await LaneSession.open(settings)
    try:
        async with session.connection() as connection:
            await connection.execute(_GROWS.replace("TABLE", "TEMPORARY TABLE"))
            await connection.execute("VACUUM grows")
            assert "Seq Scan" in await _plan(connection)
            await connection.execute(_GROW)
            assert "Seq Scan" in await _plan(connection)
        await session.beat(None)
        async with session.connection() as connection:
            assert "Index" in await _plan(connection)
    finally:
        await session.close()


async def _plans(database: Database) -> tuple[int, int]:
    async with database.acquire() as connection:
        generic, custom = await connection.fetchrow(_PLANS)
    return generic, custom


async def _kept_plan(database: Database) -> str:
    """What EXPLAIN says within a transaction of few records."""
    async with database.transaction(keep_plans=True) as connection:
        return await _plan(connection)


async def _plan(connection: Any) -> str:
    name = await _name_of(connection, _STATEMENT)
    rows: Iterable[Any] = await connection.fetch(f"EXPLAIN EXECUTE {name}('{{1,2}}')")
    return "\n".join(row[0] for row in rows)


async def _name_of(connection: Any, statement: str) -> str:
    """Of the prepared statement, which is made at its first execution."""
    await connection.fetch(statement, [1])
    name: str = await connection.fetchval(
        "SELECT name FROM pg_prepared_statements WHERE statement = $1", statement
    )
    return name
