"""Fixtures of this tier: programs that coordinate through Redis, and a resource they compete for."""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import pytest
import pytest_asyncio

from rollcall import Database, ServiceSettings
from rollcall.coordination import Coordination
from tests.coordination.ledger import Ledger
from tests.coordination.own_servers import OwnRedis, OwnServers
from tests.fixtures.database import SCHEMA, cloned_database

# Test machines are busy: what is slow is not away.
_OPTIONS = {"answer_seconds": 5.0}


class Programs(Protocol):
    """`programs()`: one more program with its own connections; `programs(url)` on another Redis."""

    def __call__(self, url: str | None = None, **options: Any) -> Coordination: ...


@pytest.fixture(scope="session")
def tier_database(postgres_dsn: str, template_database: str) -> Iterator[str]:
    """A migrated database for all tests of this worker: each uses names of its own."""
    with cloned_database(postgres_dsn, template_database) as dsn:
        yield dsn


@pytest_asyncio.fixture
async def database(tier_database: str) -> AsyncIterator[Database]:
    """The pool of a program."""
    settings = ServiceSettings.model_validate(
        {"postgres_dsn": tier_database, "database_schema": SCHEMA, "database_pool_size": 4}
    )
    database = Database(settings)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def prefix() -> str:
    """Before every key of this test."""
    return f"t{uuid.uuid4().hex[:10]}"


@pytest_asyncio.fixture
async def programs(redis_url: str, database: Database, prefix: str) -> AsyncIterator[Programs]:
    """Make programs; they are closed with the test."""
    async with AsyncExitStack() as stack:

        def make(url: str | None = None, **options: Any) -> Coordination:
            coordination = Coordination(
                url or redis_url, database, **_OPTIONS | {"prefix": prefix} | options
            )
            stack.push_async_callback(coordination.close)
            return coordination

        yield make


@pytest.fixture
def program(programs: Programs) -> Coordination:
    """The program of a test that needs one."""
    return programs()


@pytest_asyncio.fixture
async def ledger(tier_database: str) -> AsyncIterator[Ledger]:
    """A resource in PostgreSQL that checks who writes to it."""
    connection = await asyncpg.connect(tier_database, server_settings={"search_path": SCHEMA})
    ledger = Ledger(connection)
    await ledger.create()
    yield ledger
    await connection.close()


@pytest.fixture
def own_servers(tmp_path: Path) -> Iterator[OwnServers]:
    """Redis servers that are this test's to hurt; they are gone with it."""
    servers = OwnServers(tmp_path)
    yield servers
    servers.close()


@pytest.fixture
def own_redis(own_servers: OwnServers) -> OwnRedis:
    """One of them."""
    return own_servers.start()
