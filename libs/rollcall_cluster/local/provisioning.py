"""Prepares servers for replicas: schema and topics."""

import asyncio
from collections.abc import Collection, Mapping

import psycopg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError, for_code
from psycopg import sql

from essay_lifecycle_service import migrations_folders
from rollcall.access.kafka import kafka_options_at
from rollcall.database.migrations import migrate
from rollcall.errors import DatabaseUnreachableError
from rollcall.settings import ServiceSettings
from rollcall.topic_admin import TopicAdmin
from rollcall.topology import Topology
from rollcall_cluster.embedded.servers import KAFKA_VARIABLE, POSTGRES_VARIABLE
from rollcall_cluster.local.errors import ClusterError
from rollcall_events.topics import TOPICS

_SERVERS = (KAFKA_VARIABLE, POSTGRES_VARIABLE)
_CONNECT_SECONDS = 10
_DISCARD_SECONDS = 20


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


def discard(environment: Mapping[str, str], servers: Collection[str] = _SERVERS) -> None:
    """Drop the schema and delete the topics that provision() made, with all that they hold.

    Those go with them whose names are longer by an underscore and more. Looks only at servers
    whose variables are in `servers`. Takes a minute at most.

    Raises ClusterError when something may be left.
    """
    name, prefix = environment["ROLLCALL_DATABASE_SCHEMA"], environment["ROLLCALL_TOPIC_PREFIX"]
    problems = []
    if POSTGRES_VARIABLE in servers:
        try:
            _drop_schemas(environment[POSTGRES_VARIABLE], name)
        except psycopg.Error as error:
            problems.append(f"the schema {name} may be left: {error}")
    if KAFKA_VARIABLE in servers:
        brokers = environment[KAFKA_VARIABLE]
        try:
            asyncio.run(_delete_topics(brokers, prefix))
        except (KafkaError, OSError) as error:
            problems.append(f"topics {prefix}* may be left at {brokers}: {error!r}")
    if problems:
        raise ClusterError("\n".join(problems), "delete by hand what is left")


def _drop_schemas(dsn: str, name: str) -> None:
    with psycopg.connect(dsn, autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection:
        connection.execute(sql.SQL("SET statement_timeout = {}").format(f"{_DISCARD_SECONDS}s"))
        found = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname = %s OR starts_with(nspname, %s)",
            (name, f"{name}_"),
        ).fetchall()
        for (schema,) in found:
            connection.execute(
                sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
            )


async def _delete_topics(brokers: str, prefix: str) -> None:
    longer, names = f"{prefix.removesuffix('.')}_", tuple(topic.name for topic in TOPICS)
    admin = AIOKafkaAdminClient(**kafka_options_at(brokers))
    try:
        async with asyncio.timeout(_DISCARD_SECONDS):
            await admin.start()
            found = {topic.prefixed(prefix) for topic in TOPICS}
            for topic in await admin.list_topics():
                if topic.startswith(longer) and topic.endswith(names):
                    found.add(topic)
            response = await admin.delete_topics(sorted(found))
    finally:
        await admin.close()
    for name, code in response.topic_error_codes:
        error = for_code(code)
        if code and error is not UnknownTopicOrPartitionError:
            raise error(name)


async def _create_topics(brokers: str, prefix: str, partitions: int | None) -> None:
    settings = ServiceSettings(kafka_bootstrap_servers=brokers, topic_prefix=prefix)
    async with TopicAdmin(settings, Topology(TOPICS)) as admin:
        await admin.create_missing(partitions=partitions)
