"""A fresh database and fresh topics for one run, and what is known of them afterwards."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from psycopg import sql

from benchmarks.errors import BenchmarkError
from essay_lifecycle_service import migrations_folders
from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall.database.migrations import migrate
from rollcall.topic_admin import TopicAdmin
from rollcall.topology import Topology
from rollcall_cluster.embedded import EmbeddedServers
from rollcall_events import EventData
from rollcall_events.topics import TOPICS, topic_for

SCHEMA = "els"
LANES = 4
_POLL_SECONDS = 0.05
_CLEAN_UP_SECONDS = 60
_OUTBOX = Path(__file__).parent / "peers" / "outbox.sql"


class Deployment:
    """Use as an asynchronous context manager; the database and the topics go with it.

    Contestants share the servers and the DDL; every run has its own database and topics.
    """

    def __init__(self, servers: EmbeddedServers, name: str, partitions: int | None = None) -> None:
        self.servers = servers
        self.partitions = partitions
        self.prefix = f"{name}."
        self.group = f"{name}-group"
        self.database = name.replace("-", "_")
        address = urlsplit(servers.postgres.address)
        self.dsn = address._replace(path=f"/{self.database}").geturl()
        self.bootstrap_servers = servers.kafka.address

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that point a contestant here."""
        return {
            **self.servers.environment,
            "ROLLCALL_POSTGRES_DSN": self.dsn,
            "ROLLCALL_TOPIC_PREFIX": self.prefix,
            "ROLLCALL_CONSUMER_GROUP": self.group,
            "ROLLCALL_DATABASE_SCHEMA": SCHEMA,
            "ROLLCALL_LANES": str(LANES),
        }

    def topic(self, model: type[EventData]) -> str:
        """The topic of a model in this deployment."""
        return topic_for(model).prefixed(self.prefix)

    async def __aenter__(self) -> "Deployment":
        await asyncio.to_thread(self._create_database)
        async with TopicAdmin(self._settings(), Topology(TOPICS)) as admin:
            await admin.create_missing(partitions=self.partitions)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._drop_database)
        await wait_until(self._delete_topics, _CLEAN_UP_SECONDS, "topics to be deleted")

    async def _delete_topics(self) -> bool:
        """A peer's internal topics bear its group's name."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        try:
            await admin.start()
            found = await admin.list_topics()
            own = [name for name in found if name.startswith((self.prefix, self.group))]
            if own:
                await admin.delete_topics(own)
        finally:
            await admin.close()
        return True

    async def wait_for_members(self, count: int, deadline_seconds: float) -> None:
        """Return once the consumer group is stable with so many members."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await admin.start()

        async def stable() -> bool:
            (response,) = await admin.describe_consumer_groups([self.group])
            state, members = response.groups[0][2], response.groups[0][5]
            return state == "Stable" and len(members) == count

        try:
            await wait_until(stable, deadline_seconds, f"{count} stable members of {self.group}")
        finally:
            await admin.close()

    async def wait_for_batches(self, count: int, deadline_seconds: float) -> None:
        """Return once so many batches are registered."""

        async def registered() -> bool:
            return await asyncio.to_thread(self._count_batches) == count

        await wait_until(registered, deadline_seconds, f"{count} registered batches")

    async def wait_until_handled(
        self, newest: Mapping[tuple[str, int], int], deadline_seconds: float
    ) -> None:
        """Return once the group's committed offsets are past these records."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await admin.start()

        async def handled() -> bool:
            committed = await admin.list_consumer_group_offsets(self.group)
            offsets = {(p.topic, p.partition): found.offset for p, found in committed.items()}
            return all(offsets.get(place, -1) > offset for place, offset in newest.items())

        try:
            await wait_until(handled, deadline_seconds, f"offsets of {self.group}")
        finally:
            await admin.close()

    def settle(self) -> None:
        """CHECKPOINT, so that no contestant pays for what was written before its run."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def wal_position(self) -> int:
        """Bytes of WAL that the server has written since its birth."""
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
        assert row is not None
        return int(row[0])

    def size_bytes(self) -> int:
        """What the database has on disk."""
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert row is not None
        return int(row[0])

    def _settings(self) -> EssayLifecycleSettings:
        return EssayLifecycleSettings(
            kafka_bootstrap_servers=self.bootstrap_servers, topic_prefix=self.prefix
        )

    def _create_database(self) -> None:
        self._administer("CREATE DATABASE {}")
        migrate(self.dsn, SCHEMA, migrations_folders())

    def add_outbox(self) -> None:
        """Create the peers' outbox table beside the tables that all share."""
        with psycopg.connect(self.dsn, options=f"-c search_path={SCHEMA}") as connection:
            connection.execute(_OUTBOX.read_bytes())

    def _drop_database(self) -> None:
        self._administer("DROP DATABASE {} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self.servers.postgres.address, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(self.database)))

    def _count_batches(self) -> int:
        with psycopg.connect(self.dsn, options=f"-c search_path={SCHEMA}") as connection:
            row = connection.execute("SELECT count(*) FROM batch").fetchone()
        assert row is not None
        return int(row[0])


async def wait_until(
    condition: Callable[[], Awaitable[bool]], deadline_seconds: float, what: str
) -> None:
    """Poll a condition; Kafka may not answer for a while, as after its start.

    Raises:
        BenchmarkError: it did not hold before the deadline.
    """
    deadline = time.monotonic() + deadline_seconds
    while not await _holds(condition):
        if time.monotonic() > deadline:
            raise BenchmarkError(f"waited {deadline_seconds:.0f} s in vain for {what}")
        await asyncio.sleep(_POLL_SECONDS)


async def _holds(condition: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await condition()
    except KafkaError:
        return False
