"""Prepares servers for replicas: schema and topics."""

import asyncio
from collections.abc import Mapping

import psycopg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from psycopg import sql

from essay_lifecycle_service import migrations_folders
from rollcall.access.kafka import kafka_options_at
from rollcall.database.migrations import migrate
from rollcall.errors import DatabaseUnreachableError
from rollcall.settings import ServiceSettings
from rollcall.topic_admin import TopicAdmin
from rollcall.topology import Topology
from rollcall_cluster.local.errors import ClusterError
from rollcall_events.topics import TOPICS


def provision(environment: Mapping[str, str], partitions: int | None = None) -> None:
    """Create or upgrade the schema and create missing topics, as the replicas' variables say.

    Topics have `partitions`, or as many as the registry says.

    Raises ClusterError when PostgreSQL or Kafka cannot be reached.
    """
    dsn = environment["ROLLCALL_POSTGRES_DSN"]
    brokers = environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"]
    try:
        migrate(dsn, environment["ROLLCALL_DATABASE_SCHEMA"], migrations_folders())
    except DatabaseUnreachableError as error:
        raise ClusterError(str(error), "check ROLLCALL_POSTGRES_DSN") from error
    try:
        asyncio.run(_create_topics(brokers, environment["ROLLCALL_TOPIC_PREFIX"], partitions))
    except (KafkaError, OSError) as error:
        raise ClusterError(
            f"Kafka cannot be reached at {brokers}: {error!r}",
            "check ROLLCALL_KAFKA_BOOTSTRAP_SERVERS",
        ) from error


def discard(environment: Mapping[str, str]) -> None:
    """Drop the schema and delete the topics that provision() made, with all that they hold."""
    schema = sql.Identifier(environment["ROLLCALL_DATABASE_SCHEMA"])
    with psycopg.connect(environment["ROLLCALL_POSTGRES_DSN"], autocommit=True) as connection:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
    asyncio.run(
        _delete_topics(
            environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"], environment["ROLLCALL_TOPIC_PREFIX"]
        )
    )


async def _delete_topics(brokers: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(**kafka_options_at(brokers))
    await admin.start()
    try:
        await admin.delete_topics([topic.prefixed(prefix) for topic in TOPICS])
    finally:
        await admin.close()


async def _create_topics(brokers: str, prefix: str, partitions: int | None) -> None:
    settings = ServiceSettings(kafka_bootstrap_servers=brokers, topic_prefix=prefix)
    async with TopicAdmin(settings, Topology(TOPICS)) as admin:
        await admin.create_missing(partitions=partitions)
