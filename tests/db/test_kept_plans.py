"""Small transactions keep their plans, but never longer than tables take to grow."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest

from rollcall import Database
from rollcall.database import kept_plans
from rollcall.database.kept_plans import FEW_RECORDS
from tests.db.events import contents, registration
from tests.db.replica import open_replica

_PLANS = """
SELECT sum(generic_plans)::int, sum(custom_plans)::int FROM pg_prepared_statements
WHERE statement LIKE 'WITH claim AS%'
"""
_GROWN = 100_000


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


async def test_a_plan_for_an_empty_table_does_not_survive_its_growth(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No statistics are gathered meanwhile: what is looked at is the table's size."""
    async with open_replica(database) as replica:
        async with replica.database.acquire() as connection:
            await connection.execute(
                "CREATE TABLE grows (id int PRIMARY KEY) WITH (autovacuum_enabled = off)"
            )
            await connection.execute("VACUUM grows")
        statement = "SELECT id FROM grows WHERE id = ANY($1::int[])"
        assert "Seq Scan" in await _kept_plan(replica.database, statement)
        async with replica.database.acquire() as connection:
            await connection.execute(f"INSERT INTO grows SELECT generate_series(1, {_GROWN})")
        assert "Seq Scan" in await _kept_plan(replica.database, statement)

        monkeypatch.setattr(kept_plans, "_KEPT_SECONDS", 0.0)
        assert "Index" in await _kept_plan(replica.database, statement)


async def _plans(database: Database) -> tuple[int, int]:
    async with database.acquire() as connection:
        generic, custom = await connection.fetchrow(_PLANS)
    return generic, custom


async def _kept_plan(database: Database, statement: str) -> str:
    """What EXPLAIN says within a transaction of few records."""
    async with database.acquire(keep_plans=True) as connection, connection.transaction():
        name = await _name_of(connection, statement)
        rows: Iterable[Any] = await connection.fetch(f"EXPLAIN EXECUTE {name}('{{1,2}}')")
    return "\n".join(row[0] for row in rows)


async def _name_of(connection: Any, statement: str) -> str:
    """Of the prepared statement, which is made at its first execution."""
    await connection.fetch(statement, [1])
    name: str = await connection.fetchval(
        "SELECT name FROM pg_prepared_statements WHERE statement = $1", statement
    )
    return name
