"""The auditor against real servers, on deployments written by hand: no service is involved."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from typer import Typer
from typer.testing import CliRunner

from rollcall_cluster.auditor import (
    AuditOptions,
    AuditReport,
    AuditTarget,
    CannotAuditError,
    NotAtRestError,
    verify,
)
from rollcall_cluster.auditor.command import verify_command
from rollcall_cluster.embedded import EmbeddedServers
from tests.unit.auditor.plants import PLANTS, Plant
from tests.unit.auditor.world import (
    FULL,
    GROUP,
    OPEN,
    Record,
    World,
    assigned,
    clean_world,
    content,
    encoded,
)

AT_ONCE = AuditOptions(wait_seconds=0)
SLOTS_TOPIC = "els.essay.slot.assigned.v1"
CONTENT_TOPIC = "file.essay.content.provisioned.v1"


class Deployment:
    """A world on real servers."""

    def __init__(self, kafka: str, database: str, prefix: str) -> None:
        self.kafka = kafka
        self.database = database
        self.prefix = prefix

    @property
    def target(self) -> AuditTarget:
        """What the auditor is told."""
        return AuditTarget(
            kafka_bootstrap_servers=self.kafka,
            postgres_dsn=self.database,
            database_schema="els",
            topic_prefix=self.prefix,
            consumer_group=GROUP,
        )

    async def load(self, world: World, constrained: bool = False) -> None:
        """Write everything that is in a world. Unless `constrained`, the schema lets all pass."""
        async with self.connection() as connection:
            if not constrained:
                await _drop_constraints(connection)
            for table, rows in world.tables.items():
                await _insert(connection, table, rows)
        await self.produce(world.records)

    async def audit(self, options: AuditOptions = AT_ONCE) -> AuditReport:
        """Run the auditor."""
        return await verify(self.target, options)

    async def execute(self, statement: str, *arguments: object) -> None:
        """Run one statement."""
        async with self.connection() as connection:
            await connection.execute(statement, *arguments)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection to the deployment's schema."""
        connection = await asyncpg.connect(
            self.database, server_settings={"search_path": "els"}
        )
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def producer(self, **options: object) -> AsyncIterator[AIOKafkaProducer]:
        """A producer that takes large records."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.kafka, max_request_size=8_000_000, **options
        )
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()

    async def produce(self, records: Iterable[Record]) -> None:
        """Append records; each gets the offset that it was promised."""
        async with self.producer(enable_idempotence=True) as producer:
            sent = [await self.send(producer, record) for record in records]
            promised = [record.offset for record in records]
            assert [(await delivery).offset for delivery in sent] == promised

    async def send(self, producer: AIOKafkaProducer, record: Record) -> asyncio.Future:
        """Hand over one record."""
        return await producer.send(
            self.prefix + record.topic,
            record.value,
            record.key,
            record.partition,
            headers=record.headers,
        )


async def _insert(connection: asyncpg.Connection, table: str, rows: list[dict]) -> None:
    for row in rows:
        columns = ", ".join(row)
        marks = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        await connection.execute(
            f"INSERT INTO {table} ({columns}) VALUES ({marks})", *row.values()
        )


async def _drop_constraints(connection: asyncpg.Connection) -> None:
    """So that the schema lets through what it is there to stop."""
    constraints = await connection.fetch(
        "SELECT conrelid::regclass::text AS relation, conname FROM pg_constraint"
        " WHERE connamespace = 'els'::regnamespace AND contype IN ('c', 'f', 'p', 'u')"
        " ORDER BY contype = 'p'"
    )
    for relation, name in constraints:
        await connection.execute(f'ALTER TABLE {relation} DROP CONSTRAINT "{name}"')
    indexes = await connection.fetch(
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class c ON c.oid = indrelid"
        " WHERE indisunique AND c.relnamespace = 'els'::regnamespace"
    )
    for (name,) in indexes:
        await connection.execute(f"DROP INDEX {name}")


@pytest.fixture
def deployment(servers: EmbeddedServers, database: str, topic_prefix: str) -> Deployment:
    """An empty deployment of this test's own."""
    return Deployment(servers.kafka.address, database, topic_prefix)


def _told(report: AuditReport) -> dict[str, list[str]]:
    return {c.code: [*map(str, c.examples)] for c in report.checks if c.violations}


async def test_a_clean_deployment_has_no_violation(deployment: Deployment):
    """The schema accepts what a correct service leaves behind, and so does the auditor."""
    await deployment.load(clean_world(deployment.prefix).finish(), constrained=True)
    report = await deployment.audit()
    assert _told(report) == {}
    assert (report.ok, report.exit_code, report.at_rest) == (True, 0, True)
    assert {check.code for check in report.checks if not check.checked} <= {
        # Nothing of their kind in a clean world.
        "contradiction-not-dead"
    } - {"contradiction-not-dead"}


async def test_an_empty_deployment_has_no_violation(deployment: Deployment):
    """Nothing consumed, nothing wrong."""
    report = await deployment.audit()
    assert report.ok
    assert report.contents == 0


@pytest.mark.parametrize("planted", PLANTS, ids=lambda planted: planted.name)
async def test_a_planted_violation_is_found_and_nothing_else(
    deployment: Deployment, planted: Plant
):
    """Each violation is reported under its own codes, with an example."""
    await deployment.load(planted.world(deployment.prefix))
    told = _told(await deployment.audit())
    assert set(told) == planted.found, told
    assert all(told.values())
