"""The dead letters of the deployment that the environment names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from rollcall.access.database import database_refusal
from rollcall.database.failures import DATABASE_ERRORS
from rollcall.database.pool import close_session
from rollcall.dead_letters.operations import DeadLetters
from rollcall.errors import DeadLetterError, SchemaNotMigratedError
from rollcall.topology import Topology
from rollcall_cluster.auditor.target import AuditTarget
from rollcall_events.topics import TOPICS

_DSN = "ROLLCALL_POSTGRES_DSN"
_STATEMENT_SECONDS = 60
_HAS_TABLES = "SELECT to_regclass('operator_audit') IS NOT NULL"
_LACKING = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)


@dataclass(slots=True, frozen=True)
class Deployment:
    """Where the dead letters are, and how its topics are called."""

    target: AuditTarget

    @classmethod
    def of_environment(cls) -> "Deployment":
        """The deployment of the `ROLLCALL_*` variables."""
        return cls(AuditTarget())

    def topic(self, name: str) -> str:
        """The topic on the cluster, given with or without the deployment's prefix."""
        prefix = self.target.topic_prefix
        return name if name.startswith(prefix) else prefix + name

    def input_topic(self, name: str) -> str:
        """The same, for a topic that the deployment consumes.

        Raises:
            DeadLetterError: it consumes no such topic.
        """
        known = [self.topic(topic.name) for topic in TOPICS if topic.direction == "in"]
        if (full := self.topic(name)) not in known:
            raise DeadLetterError(f"{full} is no input topic; there are {', '.join(known)}")
        return full

    @property
    def group(self) -> str:
        """The consumer group."""
        return self.target.consumer_group

    @asynccontextmanager
    async def dead_letters(self) -> AsyncIterator[DeadLetters]:
        """Connect to the dead letters; raises what `connection` does."""
        async with self.connection() as connection:
            yield DeadLetters(connection, Topology(TOPICS), self.group, self.target.topic_prefix)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Connect.

        Raises:
            DeadLetterError: the database cannot be reached, or refuses what is asked of it.
            SchemaNotMigratedError: its schema is not the service's, or older than this program.
        """
        connection = await self._connect()
        try:
            if not await connection.fetchval(_HAS_TABLES):
                raise self._lacks("tables of this release")
            yield connection
        except _LACKING as error:
            raise self._lacks(f"what this command needs ({error})") from error
        except asyncpg.InsufficientPrivilegeError as error:
            raise DeadLetterError(
                f"PostgreSQL refuses what this command needs ({error}): grant it to the user in {_DSN}"
            ) from error
        finally:
            await close_session(connection)

    def _lacks(self, what: str) -> SchemaNotMigratedError:
        return SchemaNotMigratedError(
            f"schema {self.target.database_schema!r} lacks {what}: check ROLLCALL_DATABASE_SCHEMA, which"
            " may name another service's, or run the service's 'migrate' command"
        )

    async def _connect(self) -> Any:
        try:
            return await asyncpg.connect(
                self.target.postgres_dsn.get_secret_value(),
                timeout=self.target.connect_timeout_seconds,
                server_settings={
                    "application_name": "rollcall-dlq",
                    "search_path": self.target.database_schema,
                    "timezone": "UTC",
                    "statement_timeout": str(_STATEMENT_SECONDS * 1000),
                    "idle_in_transaction_session_timeout": "10000",
                    "jit": "off",
                },
            )
        except DATABASE_ERRORS as error:
            why = database_refusal(error) or f"cannot be reached: {error!r}; check {_DSN}"
            raise DeadLetterError(f"PostgreSQL {why}") from error
