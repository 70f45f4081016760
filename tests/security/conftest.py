"""Servers of the run that are secured; started by the first test that needs them, wherever it runs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from rollcall import Database, ServiceSettings
from tests.fixtures.database import SCHEMA
from tests.fixtures.run import ServerSet
from tests.security.authority import Authority
from tests.security.secure_kafka import SecureKafka
from tests.security.secure_postgres import SecurePostgres
from tests.security.secure_redis import SecureRedis


@pytest.fixture(scope="session")
def authority(server_set: ServerSet) -> Authority:
    """Certificates and tokens."""
    directory = server_set.directory / "authority"
    found = Authority(directory)
    with server_set.locked("authority"):
        if not directory.exists():
            found.create()
    return found


@pytest.fixture(scope="session")
def secure_kafka(server_set: ServerSet, authority: Authority) -> SecureKafka:
    """A running broker with a listener of each kind."""
    kafka = SecureKafka(Path(server_set.directory, "secure-kafka"), authority)
    kafka.start(owner_pid=server_set.owner_pid)
    return kafka


@pytest.fixture(scope="session")
def secure_postgres(server_set: ServerSet, authority: Authority) -> SecurePostgres:
    """A running PostgreSQL that asks for TLS."""
    postgres = SecurePostgres(Path(server_set.directory, "secure-postgres"), authority)
    postgres.start(owner_pid=server_set.owner_pid)
    with server_set.locked("secure-postgres-users"):
        postgres.create_users()
    return postgres


@pytest.fixture(scope="session")
def secure_redis(server_set: ServerSet, authority: Authority) -> SecureRedis:
    """A running Redis that speaks TLS alone."""
    redis = SecureRedis(Path(server_set.directory, "secure-redis"), authority)
    redis.start(owner_pid=server_set.owner_pid)
    return redis


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[Database]:
    """Where fencing epochs come from."""
    settings = ServiceSettings(postgres_dsn=database, database_schema=SCHEMA, database_pool_size=3)
    pool = Database(settings)
    await pool.open()
    yield pool
    await pool.close()
