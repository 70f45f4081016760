"""Fixtures of this tier: replicas without Kafka, and what they leave in the database."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from tests.db.evidence import Evidence
from tests.db.replica import Replica, open_replica


class OpenReplica(Protocol):
    """`await replicas("b", connections=4)`: one more replica on the test's database."""

    async def __call__(self, name: str = ..., **options: Any) -> Replica: ...


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


@asynccontextmanager
async def connected(dsn: str, schema: str) -> AsyncIterator[Any]:
    """A connection whose tables are those of `schema`."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": schema})
    try:
        yield connection
    finally:
        await connection.close()


@pytest_asyncio.fixture
async def connection(database: str) -> AsyncIterator[Any]:
    """A connection of the test's own, outside of every replica."""
    async with connected(database, "els") as connection:
        yield connection


@pytest.fixture
def evidence(connection: Any) -> Evidence:
    """What committed transactions left."""
    return Evidence(connection)
