"""The connection pool: every wait has a bound, on this side and on the server's."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from rollcall.access.database import refuse_if_denied
from rollcall.database.array_arguments import take_plain_arrays
from rollcall.database.failures import DATABASE_ERRORS
from rollcall.database.keepalive import keep_alive
from rollcall.database.transaction_connection import TransactionConnection
from rollcall.settings import ServiceSettings
from rollcall.telemetry.metrics import Metrics

# What the server itself enforces, so that a stopped or cut-off instance cannot hold locks for long.
# The time limits of idle sessions do not see one that stopped between asking for a statement to be
# prepared and to be run: to the server it is in the middle of a command. Only the transaction's does.
IDLE_IN_TRANSACTION_SECONDS = 5
LOCK_WAIT_SECONDS = 10


def _server_settings(
    settings: ServiceSettings, role: str, transaction_seconds: float
) -> dict[str, str]:
    return {
        "application_name": f"{settings.service_name}:{settings.instance_id}:{role}"[:63],
        "search_path": settings.database_schema,
        "timezone": "UTC",
        "statement_timeout": str(int(settings.statement_timeout_seconds * 1000)),
        "transaction_timeout": str(int(transaction_seconds * 1000)),
        "lock_timeout": str(LOCK_WAIT_SECONDS * 1000),
        "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_SECONDS * 1000),
        # Every statement here is an index lookup; compiling one costs more than it saves.
        "jit": "off",
        # A plan made for empty tables must not survive their growth.
        "plan_cache_mode": "force_custom_plan",
    }


class Database:
    """The service's connections for chunks and reads, all warm once `open` has returned."""

    def __init__(self, settings: ServiceSettings, metrics: Metrics | None = None) -> None:
        self._settings = settings
        self._metrics = metrics or Metrics()
        self._pool: Any = None
        connections = self._metrics.database_connections
        connections.labels("idle").set_function(self._count_idle)
        connections.labels("used").set_function(self._count_used)

    async def open(self) -> None:
        """Open `database_pool_size` connections.

        Raises:
            AccessDeniedError: the server is there and does not let us in.
            OSError, asyncpg.PostgresError, TimeoutError: the server cannot be reached or refuses.
        """
        take_plain_arrays()
        try:
            self._pool = await self._create_pool()
        except DATABASE_ERRORS as error:
            refuse_if_denied(error)
            raise

    async def _create_pool(self) -> Any:
        return await asyncpg.create_pool(
            self._settings.postgres_dsn.get_secret_value(),
            min_size=self._settings.database_pool_size,
            max_size=self._settings.database_pool_size,
            connection_class=TransactionConnection,
            init=_kept_alive,
            max_inactive_connection_lifetime=0,
            timeout=self._settings.connect_timeout_seconds,
            command_timeout=self._settings.statement_timeout_seconds + 5,
            server_settings=_server_settings(
                self._settings, "chunks", self._settings.transaction_timeout_seconds
            ),
        )

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """Borrow a connection. Never take a second one while holding one.

        Raises:
            TimeoutError: none became free within `connect_timeout_seconds`.
            ConnectionError: the database is not open (yet).
        """
        if self._pool is None:
            raise ConnectionError("the database is not open: the service is starting or stopping")
        asked = time.perf_counter()
        async with self._pool.acquire(timeout=self._settings.connect_timeout_seconds) as connection:
            self._metrics.database_acquire_seconds.observe(time.perf_counter() - asked)
            yield connection

    @asynccontextmanager
    async def transaction(self, *, keep_plans: bool = False) -> AsyncIterator[Any]:
        """Borrow a connection for one transaction, which commits at the end of the block.

        What its statements have set for the session is reset together with the commit.

        Args:
            keep_plans: it is of few records, see `transaction_connection`.

        Raises:
            as `acquire`, and what the commit raises.
        """
        async with self.acquire() as connection:
            connection.serve_one_transaction(keep_plans=keep_plans)
            async with connection.transaction():
                yield connection

    async def close(self, timeout_seconds: float = 2.0) -> None:
        """Close politely, then by force: `Pool.close()` waits for ever for a lost connection."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            await asyncio.wait_for(pool.close(), timeout_seconds)
        except DATABASE_ERRORS:
            pool.terminate()

    def _count_idle(self) -> int:
        return self._pool.get_idle_size() if self._pool else 0

    def _count_used(self) -> int:
        return self._pool.get_size() - self._pool.get_idle_size() if self._pool else 0


async def connect_session(settings: ServiceSettings, idle_session_seconds: int) -> Any:
    """Open one connection outside the pool, which the server ends after `idle_session_seconds` of silence.

    The server's own timeouts are what frees the advisory locks of a stopped or cut-off instance. Each
    statement is a transaction of its own.
    """
    connection = await asyncpg.connect(
        settings.postgres_dsn.get_secret_value(),
        timeout=settings.connect_timeout_seconds,
        command_timeout=settings.statement_timeout_seconds + 5,
        server_settings=lane_session_settings(settings, idle_session_seconds),
    )
    keep_alive(connection)
    return connection


async def _kept_alive(connection: Any) -> None:
    keep_alive(connection)


def lane_session_settings(settings: ServiceSettings, idle_session_seconds: int) -> dict[str, str]:
    """What `connect_session` asks the server for; a proxy may have dropped some of it."""
    return _server_settings(settings, "lanes", idle_session_seconds) | {
        "idle_session_timeout": str(idle_session_seconds * 1000),
        # Statements of a few rows each; the session forgets its plans at each beat.
        "plan_cache_mode": "force_generic_plan",
    }


async def close_session(connection: Any, timeout_seconds: float = 2.0) -> None:
    """Close one connection, by force if the server does not answer in time."""
    try:
        await connection.close(timeout=timeout_seconds)
    except DATABASE_ERRORS:
        connection.terminate()
