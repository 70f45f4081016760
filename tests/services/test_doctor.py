"""`rollcall doctor` on real servers: nothing on a sound deployment, everything that is planted on a bad one."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from essay_lifecycle_service import migrations_folders
from rollcall.outbox.lane_position import LanePosition
from rollcall_cluster.doctor.migrated import Migrated
from rollcall_cluster.embedded.redis import EmbeddedRedis
from tests.eventually import eventually
from tests.services.rollcall_command import RollcallCommand

EXPECTED = {
    "topics": "missing: .*els.batch.readiness.timeout.v1",
    "cleanup": "cleanup.policy=compact: records vanish",
    "retention": "retention.ms=60000",
    "record-sizes": "max.message.bytes=1000000",
    "timestamps": "after.max.ms=1000",
    "partitions": "for 40 lanes",
    "positions": "beyond the end",
    "lane-positions": "restored to an earlier point",
    "group": "has 1 members, 0 replicas",
    "isolation": "serializable",
    "durability": "synchronous_commit=off",
    "vacuum": "table slot",
    "old-transactions": "idle in transaction",
    "connections": "limit 8 of database",
    "schema": "9001_future",
    "indexes": "slot_open is missing",
    "triggers": "append_only on operator_audit",
    "paused-topics": "is paused: broken upstream",
    "redis-memory": "allkeys-lru",
    "replicas": "gives no answer",
}
SCHEMA_PLANTED = """
INSERT INTO _yoyo_migration (migration_hash, migration_id, applied_at_utc) VALUES ('f', '9001_future', now());
DROP INDEX slot_open;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'slot_essay'::regclass;
ALTER TABLE operator_audit DISABLE TRIGGER append_only;
ALTER TABLE slot SET (autovacuum_enabled = off);
INSERT INTO paused_topic (consumer_group, topic, reason, paused_by) VALUES ('{group}', 'x', 'broken upstream', 'ann');
INSERT INTO position (consumer_group, topic, partition, next_offset)
    VALUES ('{group}', '{prefix}batch.essays.registered.v1', 0, 17);
INSERT INTO lane (lane, last_seq, published_seq) SELECT n, 3, 2 FROM generate_series(0, 39) n;
"""
DATABASE_PLANTED = (
    "SET default_transaction_isolation = 'serializable'",
    "SET synchronous_commit = off",
    "CONNECTION LIMIT 8",
)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[str]:
    """Address of a Redis that evicts what it holds."""
    tmp_path.chmod(0o755)
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    try:
        import redis

        with redis.from_url(server.address) as client:
            client.config_set("maxmemory-policy", "allkeys-lru")
        yield server.address
    finally:
        server.wipe()


@pytest.fixture
def doctor(service_environment: dict[str, str]) -> RollcallCommand:
    """The command, on the test's deployment."""
    return RollcallCommand(service_environment)


async def test_a_sound_deployment_has_no_problem(doctor: RollcallCommand) -> None:
    """Without replicas and with one broker, there are warnings."""
    report = json.loads(await doctor("doctor", "--json"))
    assert report["problems"] == 0
    verdicts = {f["check"]: f["verdict"] for f in report["findings"]}
    assert {name for name, verdict in verdicts.items() if verdict != "ok"} == {
        "kafka-copies",
        "replicas",
    }
    await doctor("doctor", "--fail-on", "warning", expect=1)


async def test_everything_that_is_planted_is_found_with_its_remedy(
    doctor: RollcallCommand,
    service_environment: dict[str, str],
    kafka_bootstrap: str,
    topic_prefix: str,
    own_redis: str,
) -> None:
    group = service_environment["ROLLCALL_CONSUMER_GROUP"]
    dsn = service_environment["ROLLCALL_POSTGRES_DSN"]
    _plant_in_postgres(dsn, group, topic_prefix)
    await _plant_in_kafka(kafka_bootstrap, topic_prefix)
    async with _stranger(kafka_bootstrap, topic_prefix, group), _idle_transaction(dsn):
        own = RollcallCommand(service_environment | {"ROLLCALL_REDIS_URL": own_redis})
        arguments = ("--json", "--url", "http://127.0.0.1:9", "--replicas", "2")
        printed = await own("doctor", *arguments, "--old-seconds", "0", expect=1)
    findings = [f for f in json.loads(printed)["findings"] if f["verdict"] != "ok"]
    for check, words in EXPECTED.items():
        found = "\n".join(f["found"] for f in findings if f["check"] == check)
        assert re.search(words, found), (check, found)
    assert all(f["remedy"] for f in findings)
    assert any("REINDEX INDEX CONCURRENTLY els.slot_essay" in f["remedy"] for f in findings)


async def test_servers_that_are_not_there_are_told_and_the_code_is_two(
    service_environment: dict[str, str],
) -> None:
    nobody = {
        "ROLLCALL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "ROLLCALL_POSTGRES_DSN": "postgresql://postgres@127.0.0.1:9/postgres",
        "ROLLCALL_REDIS_URL": "redis://127.0.0.1:9/0",
    }
    command = RollcallCommand(service_environment | nobody)
    printed = await command("doctor", "--limit-seconds", "5", expect=2)
    for variable in nobody:
        assert f"check {variable}" in " ".join(printed.split())


def test_the_migrations_text_tells_every_index_and_trigger_that_they_make(database: str) -> None:
    with psycopg.connect(database) as connection:
        query = "SELECT migration_id FROM els._yoyo_migration"
        applied = {name for (name,) in connection.execute(query)}
        indexes = {
            name
            for (name,) in connection.execute(
                "SELECT indexname FROM pg_indexes WHERE schemaname = 'els' AND tablename NOT LIKE '%yoyo%'"
            )
        }
        triggers = {
            f"{name} on {table}"
            for name, table in connection.execute(
                "SELECT tgname, relname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid"
                " WHERE NOT tgisinternal"
            )
        }
    migrated = Migrated.by(migrations_folders(), applied)
    assert set(migrated.indexes) == indexes
    assert set(migrated.triggers) == triggers


def _plant_in_postgres(dsn: str, group: str, prefix: str) -> None:
    name = urlsplit(dsn).path.strip("/")
    with psycopg.connect(dsn, options="-c search_path=els", autocommit=True) as connection:
        connection.execute(SCHEMA_PLANTED.format(group=group, prefix=prefix))
        for change in DATABASE_PLANTED:
            connection.execute(f"ALTER DATABASE {name} {change}")


async def _plant_in_kafka(bootstrap: str, prefix: str) -> None:
    """Other settings, a topic that is gone, and a lane that the database knows less of."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        changes = {
            "batch.essays.registered.v1": {"cleanup.policy": "compact"},
            "file.essay.content.provisioned.v1": {"retention.ms": "60000"},
            "els.batch.validation.errors.v1": {"max.message.bytes": "1000000"},
            "els.essay.slot.assigned.v1": {"message.timestamp.after.max.ms": "1000"},
        }
        await admin.alter_configs(
            [
                ConfigResource(ConfigResourceType.TOPIC, prefix + topic, config)
                for topic, config in changes.items()
            ]
        )
        gone = prefix + "els.batch.readiness.timeout.v1"
        await admin.delete_topics([gone])

        async def is_gone() -> bool:
            return gone not in await admin.list_topics()

        await eventually(is_gone)
    finally:
        await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        topic = prefix + "els.relay.positions.v1"
        await producer.send_and_wait(topic, LanePosition(9).encode(), key=b"0", partition=0)


@asynccontextmanager
async def _stranger(bootstrap: str, prefix: str, group: str) -> AsyncIterator[None]:
    """A member of the group that is no replica."""
    topic = prefix + "batch.essays.registered.v1"
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group)
    await consumer.start()
    try:
        await eventually(lambda: consumer.assignment())
        yield
    finally:
        await consumer.stop()


@asynccontextmanager
async def _idle_transaction(dsn: str) -> AsyncIterator[None]:
    """A session that has changed something and does nothing."""
    connection: Any = await asyncpg.connect(dsn)
    try:
        await connection.execute("BEGIN; SELECT txid_current()")
        yield
    finally:
        await connection.close()
