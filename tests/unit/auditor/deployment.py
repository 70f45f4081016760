"""A world on real servers, for the tests of the auditor in the cluster tier."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import asyncpg
from aiokafka import AIOKafkaProducer

from rollcall_cluster.auditor import AuditOptions, AuditReport, AuditTarget, verify
from tests.unit.auditor.world import GROUP, Record, World

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
        connection = await asyncpg.connect(self.database, server_settings={"search_path": "els"})
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
            timestamp_ms=record.written and int(record.written.timestamp() * 1000),
            headers=record.headers,
        )


async def _insert(connection: asyncpg.Connection, table: str, rows: list[dict]) -> None:
    for row in rows:
        columns = ", ".join(row)
        marks = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        await connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", *row.values())


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


def told(report: AuditReport) -> dict[str, list[str]]:
    """Examples by code of the checks that found violations."""
    return {c.code: [*map(str, c.examples)] for c in report.checks if c.violations}
