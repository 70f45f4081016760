"""Waits for what a service needs, saying what it waits for."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog
from aiokafka.errors import KafkaError

from rollcall import failpoints
from rollcall.backoff import Backoff
from rollcall.database.failures import DATABASE_ERRORS
from rollcall.database.pool import Database
from rollcall.database.schema_version import check_schema
from rollcall.errors import DatabaseRestoredError, SchemaNotMigratedError, TopicMismatchError
from rollcall.failpoints import Failpoint
from rollcall.outbox.lane_guard import LaneGuard
from rollcall.outbox.store import OutboxStore
from rollcall.settings import ServiceSettings
from rollcall.topic_admin import TopicAdmin
from rollcall.topology import Topology

log = structlog.get_logger()

_PASSING = (
    *DATABASE_ERRORS,
    KafkaError,
    DatabaseRestoredError,
    SchemaNotMigratedError,
    TopicMismatchError,
)


async def wait_for(what: str, attempt: Callable[[], Awaitable[None]]) -> None:
    """Repeat `attempt` until it succeeds, with capped backoff, logging what stands in the way."""
    backoff = Backoff(first_seconds=0.1, cap_seconds=5.0)
    while True:
        try:
            await attempt()
        except _PASSING as error:
            log.warning("waiting", what=what, because=str(error) or repr(error))
            await backoff.wait()
        else:
            return


async def open_database(
    settings: ServiceSettings, database: Database, migrations: Sequence[Path]
) -> int:
    """Wait for PostgreSQL and for the migrations; returns the number of lanes.

    Raises:
        SchemaTooNewError: the schema is newer than this program; waiting would not help.
    """
    await wait_for("PostgreSQL", database.open)
    lanes = 0

    async def migrated() -> None:
        nonlocal lanes
        async with database.acquire() as connection:
            await check_schema(connection, settings.database_schema, migrations)
            lanes = await OutboxStore().ensure_lanes(connection, settings.lanes)
        failpoints.reached(Failpoint.STARTUP_LANES_CREATED)

    await wait_for("database schema", migrated)
    return lanes


async def wait_for_topics(settings: ServiceSettings, topology: Topology) -> None:
    """Wait for Kafka and for every topic of the service."""

    async def exist() -> None:
        async with TopicAdmin(settings, topology) as admin:
            if missing := await admin.missing():
                raise TopicMismatchError(
                    f"missing topics: {', '.join(missing)}; the service's 'topics' command creates them"
                )

    await wait_for("Kafka and its topics", exist)


async def wait_until_reconciled(guard: LaneGuard) -> None:
    """Handle nothing while the database is behind what Kafka holds."""
    await wait_for("lanes that agree with Kafka", guard.check)
