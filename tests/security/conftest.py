"""Servers of the run that are secured; started by the first test that needs them, wherever it runs."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from essay_lifecycle_service import migrations_folders
from rollcall import Database, ServiceSettings
from rollcall.database.migrations import migrate
from tests.fixtures.database import SCHEMA
from tests.fixtures.run import ServerSet
from tests.fixtures.topics import create_topics
from tests.security.authority import Authority
from tests.security.secure_kafka import SecureKafka
from tests.security.secure_postgres import SecurePostgres
from tests.security.secure_redis import PREFIX, SecureRedis
from tests.security.secured import Secured


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


@pytest.fixture
def secured_database(secure_postgres: SecurePostgres, authority: Authority) -> Iterator[str]:
    """A migrated database that is reached through verified TLS with a password."""
    dsn = secure_postgres.dsn(sslmode="verify-full", sslrootcert=authority.ca_file)
    name = f"secured_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    own = urlsplit(dsn)._replace(path=f"/{name}").geturl()
    migrate(own, SCHEMA, migrations_folders())
    yield own
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest_asyncio.fixture
async def secured_prefix(secure_kafka: SecureKafka) -> AsyncIterator[str]:
    yield await create_topics(secure_kafka.address)


@pytest.fixture
def secured(
    secured_database: str,
    secured_prefix: str,
    secure_redis: SecureRedis,
    authority: Authority,
    tmp_path: Path,
) -> Iterator[Secured]:
    """Settings of everything but Kafka; secrets are in files."""
    files = {
        "ROLLCALL_POSTGRES_DSN_FILE": secured_database,
        "ROLLCALL_REDIS_URL_FILE": secure_redis.url(ssl_ca_certs=authority.ca_file),
    }
    environment = {
        **os.environ,
        "ROLLCALL_DATABASE_SCHEMA": SCHEMA,
        "ROLLCALL_TOPIC_PREFIX": secured_prefix,
        "ROLLCALL_CONSUMER_GROUP": f"{secured_prefix}group",
        "ROLLCALL_REDIS_PREFIX": PREFIX,
        "ROLLCALL_FILTER_ENABLED": "true",
        "ROLLCALL_HTTP_INGEST": "true",
    }
    for variable, content in files.items():
        file = tmp_path / variable.lower()
        file.write_text(content + "\n")
        environment[variable] = str(file)
    found = Secured(environment, tmp_path)
    yield found
    if found.replica is not None:
        found.replica.kill()
