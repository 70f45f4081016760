"""Looks at PostgreSQL through a session like a replica's. Reads alone, in transactions that say so."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import asyncpg

from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall.consumer.records import Partition
from rollcall.database.failures import DATABASE_ERRORS
from rollcall.database.pool import close_session, connect_session, lane_session_settings
from rollcall.database.queries import load_queries
from rollcall_cluster.doctor.facts import ForeignSession, InstanceRow, PostgresFacts, Unseen
from rollcall_cluster.doctor.pooling import shares_sessions

_QUERIES = (
    "server",
    "clock",
    "settings",
    "sessions",
    "old_sessions",
    "migrations",
    "indexes",
    "triggers",
    "unvacuumed",
    "instances",
    "positions",
    "lanes",
    "paused",
)
SERVER_SETTINGS = (
    "autovacuum",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "fsync",
    "full_page_writes",
    "max_connections",
    "reserved_connections",
    "superuser_reserved_connections",
    "synchronous_commit",
    "track_counts",
)
_UNSUPPORTED = "unsupported startup parameter"
_NO_TRANSACTIONS = "statement pooling"
_TABLES_LACK = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError)


async def look_at_postgres(
    settings: EssayLifecycleSettings, limit_seconds: float, old_seconds: float
) -> PostgresFacts | Unseen:
    """What the server and the schema hold, within a limit of time.

    Transactions of others that have been open for `old_seconds` are among it.
    """
    own = settings.model_copy(update={"instance_id": "doctor"})
    try:
        async with asyncio.timeout(limit_seconds):
            idle_seconds = int(limit_seconds) + 1
            connection = await connect_session(own, idle_seconds)
            try:
                return await _Look(own, connection, idle_seconds, old_seconds).facts()
            finally:
                await close_session(connection)
    except DATABASE_ERRORS as error:
        return Unseen(_told(error))


def _told(error: BaseException) -> str:
    if _UNSUPPORTED in str(error):
        return (
            f"a proxy refuses the session settings of a replica ({error}): point"
            " ROLLCALL_POSTGRES_DSN at PostgreSQL itself, or at a pool in session mode with"
            " ignore_startup_parameters left empty and track_extra_parameters set"
        )
    if _NO_TRANSACTIONS in str(error):
        return (
            f"a proxy pools statements ({error}): point ROLLCALL_POSTGRES_DSN at PostgreSQL itself, or"
            " at a pool in session mode"
        )
    return f"PostgreSQL gives no answer ({error!r}): check ROLLCALL_POSTGRES_DSN"


class _Look:
    def __init__(
        self,
        settings: EssayLifecycleSettings,
        connection: Any,
        idle_seconds: int,
        old_seconds: float,
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._idle_seconds = idle_seconds
        self._old_seconds = old_seconds
        statements = load_queries("rollcall_cluster.doctor", "postgres.sql", *_QUERIES)
        self._queries = dict(zip(_QUERIES, statements, strict=True))

    async def facts(self) -> PostgresFacts:
        """Everything; what tables of ours would say is left out where they are missing."""
        server = await self._row("server")
        ahead, round_trip = await self._clock()
        schema = self._settings.database_schema
        return PostgresFacts(
            version=server["version"],
            in_recovery=server["in_recovery"],
            clock_ahead_seconds=ahead,
            round_trip_seconds=round_trip,
            settings=dict(await self._fetch("settings", list(SERVER_SETTINGS))),
            session=await self._session(),
            shares_sessions=await shares_sessions(self._settings, self._connection),
            database=server["database"],
            user=server["user"],
            user_limit=server["user_limit"],
            database_limit=server["database_limit"],
            sessions=dict(await self._fetch("sessions")),
            old_sessions=[
                ForeignSession(*row) for row in await self._fetch("old_sessions", self._old_seconds)
            ],
            applied=frozenset(row[0] for row in await self._own("migrations")),
            indexes=dict(await self._fetch("indexes", schema)),
            triggers=frozenset(row[0] for row in await self._fetch("triggers", schema)),
            unvacuumed=[row[0] for row in await self._fetch("unvacuumed", schema)],
            instances=[InstanceRow(*row) for row in await self._instances()],
            positions={
                Partition(topic, number): offset
                for topic, number, offset in await self._own(
                    "positions", self._settings.consumer_group
                )
            },
            lanes={lane: (last, published) for lane, last, published in await self._own("lanes")},
            paused=dict(await self._own("paused", self._settings.consumer_group)),
        )

    async def _instances(self) -> list[Any]:
        return await self._own("instances", self._settings.lane_session_timeout_seconds / 2)

    async def _clock(self) -> tuple[float, float]:
        """How far this machine's clock is ahead, and the longest error of that, both in seconds."""
        best = (0.0, float("inf"))
        for _ in range(3):
            before, started = datetime.now(UTC), time.perf_counter()
            there: datetime = await self._connection.fetchval(self._queries["clock"])
            took = time.perf_counter() - started
            if took < best[1]:
                best = ((before - there).total_seconds() + took / 2, took)
        return best

    async def _session(self) -> dict[str, tuple[str, str]]:
        asked = lane_session_settings(self._settings, self._idle_seconds)
        got = dict(await self._fetch("settings", list(asked)))
        return {name: (value, got.get(name, "unknown")) for name, value in asked.items()}

    async def _fetch(self, query: str, *arguments: Any) -> list[Any]:
        async with self._connection.transaction(readonly=True):
            rows: list[Any] = await self._connection.fetch(self._queries[query], *arguments)
        return rows

    async def _row(self, query: str) -> Any:
        return (await self._fetch(query))[0]

    async def _own(self, query: str, *arguments: Any) -> list[Any]:
        """Rows of our tables; none if they do not exist."""
        try:
            return await self._fetch(query, *arguments)
        except _TABLES_LACK:
            return []
