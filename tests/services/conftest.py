"""Fixtures of this tier: the test's topics, written to and read as other services do."""

import uuid
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from tests.db.evidence import Evidence
from tests.fixtures.services import StartService
from tests.service_process import ServiceProcess
from tests.services.administration import ADMIN
from tests.services.kafka_client import KafkaClient


@pytest.fixture
def batch_id() -> UUID:
    """The batch that a test with one batch is about."""
    return uuid.uuid4()


@pytest_asyncio.fixture
async def kafka(kafka_bootstrap: str, topic_prefix: str) -> AsyncIterator[KafkaClient]:
    """A client of this test's topics."""
    async with KafkaClient(kafka_bootstrap, topic_prefix) as client:
        yield client


@pytest_asyncio.fixture
async def connection(database: str) -> AsyncIterator[Any]:
    """A connection of the test's own."""
    connection = await asyncpg.connect(database, server_settings={"search_path": "els"})
    yield connection
    await connection.close()


@pytest.fixture
def evidence(connection: Any) -> Evidence:
    """What committed transactions left in the database."""
    return Evidence(connection)


@pytest_asyncio.fixture
async def administered(service_process: StartService) -> ServiceProcess:
    """A replica with two tokens."""
    replica = service_process(**ADMIN)
    await replica.wait_ready()
    return replica
