"""Fixtures of this tier: replicas without Kafka, and what they leave in the database."""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from essay_lifecycle_service.operations import BatchOperations
from rollcall_cluster.purge.progress import Silent
from rollcall_cluster.purge.purging import Purge, Purged
from tests.db.connected import connected
from tests.db.deadlines import Let
from tests.db.evidence import Evidence
from tests.db.orders import hand_on
from tests.db.purges import DAY, RunPurge
from tests.db.replica import LANES, Replica, open_replica

_END_OTHER_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'els' AND tablename NOT LIKE '%yoyo%'"


class OpenReplica(Protocol):
    """`await replicas("b", connections=4)`: one more replica on the test's database."""

    async def __call__(self, name: str = ..., **options: Any) -> Replica: ...


@pytest.fixture(scope="session")
def reused_database(postgres_dsn: str, template_database: str) -> Iterator[str]:
    """A migrated database for this worker's tests one after the other: a new one costs more than most."""
    name = f"reused_{uuid.uuid4().hex}"
    both = sql.Identifier(name), sql.Identifier(template_database)
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*both))
        yield urlsplit(postgres_dsn)._replace(path=f"/{name}").geturl()
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(both[0]))


@pytest.fixture
def database(reused_database: str) -> Iterator[str]:
    """DSN of a migrated database whose tables are empty. Leave the schema as it is."""
    yield reused_database
    with psycopg.connect(reused_database) as connection:
        connection.execute(_END_OTHER_SESSIONS)
        connection.execute("SET session_replication_role = replica")  # append-only tables, too
        tables = sql.SQL(", ").join(
            sql.Identifier("els", name) for (name,) in connection.execute(_TABLES)
        )
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))


@pytest.fixture
def batch_id() -> UUID:
    """The batch that a test with one batch is about."""
    return uuid.uuid4()


@pytest_asyncio.fixture
async def replicas(database: str) -> AsyncIterator[OpenReplica]:
    """Open replicas on the test's database; they are closed with the test."""
    async with AsyncExitStack() as stack:

        async def open_one(name: str = "replica", **options: Any) -> Replica:
            return await stack.enter_async_context(open_replica(database, name, **options))

        yield open_one


@pytest_asyncio.fixture
async def replica(replicas: OpenReplica) -> Replica:
    """The replica of a test that needs one."""
    return await replicas()


@pytest_asyncio.fixture
async def connection(database: str) -> AsyncIterator[Any]:
    """A connection of the test's own, outside of every replica."""
    async with connected(database, "els") as connection:
        yield connection


@pytest.fixture
def let_deadline_pass(connection: Any) -> Let:
    """Makes a batch's deadline lie a second in the past, as if it had been registered long ago."""

    async def let(batch_id: UUID) -> None:
        await connection.execute(
            "UPDATE batch SET deadline_at = now() - interval '1 second' WHERE batch_id = $1",
            batch_id,
        )

    return let


@pytest.fixture
def evidence(connection: Any) -> Evidence:
    """What committed transactions left."""
    return Evidence(connection)


@pytest_asyncio.fixture
async def lanes(connection: Any) -> None:
    """The lanes of a deployment that has been started once."""
    await connection.execute("INSERT INTO lane (lane) SELECT generate_series(0, $1 - 1)", LANES)


@pytest.fixture
def hand(database: str, lanes: None) -> BatchOperations:
    """The operator's hand."""
    return hand_on(database)


@pytest.fixture
def purge(database: str, lanes: None) -> RunPurge:
    """`await purge(limit=1)`: purge what ended more than a day ago, on a connection of its own."""

    async def run(limit: int | None = None, wait: float = 0, dry_run: bool = False) -> Purged:
        async with connected(database, "els") as own:
            return await Purge(own, Silent(), wait).run(DAY, limit, dry_run=dry_run)

    return run
