"""Reads the database of a deployment: one snapshot, read-only, a bounded number of rows at a time."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from rollcall.access.database import database_refusal
from rollcall.database.failures import DATABASE_ERRORS
from rollcall.database.pool import close_session
from rollcall.database.queries import load_queries
from rollcall_cluster.auditor.errors import CannotAuditError
from rollcall_cluster.auditor.orders import Corrections, Orders, Reassignment
from rollcall_cluster.auditor.target import AuditTarget

_FETCH_ROWS = 5000
_QUERIES = (
    "tables",
    "groups",
    "positions",
    "lanes",
    "segments",
    "pending_of_registered",
    "rows",
    "batches",
    "slots",
    "unplaced",
    "completions",
    "dead_letters",
    "orders",
    "reassigned_slots",
    "moved_claims",
    "purged_batches",
)


@dataclass(slots=True, frozen=True)
class Backlog:
    """Segments left in one lane, and the events in them."""

    segments: int
    events: int


class Snapshot:
    """The database at one moment. Valid inside `Database.snapshot`."""

    def __init__(self, connection: Any, consumer_group: str, queries: dict[str, str]) -> None:
        self._connection = connection
        self._group = consumer_group
        self._queries = queries

    async def positions(self) -> dict[tuple[str, int], int]:
        """The next offset of every partition, by topic and number."""
        rows = await self._connection.fetch(self._queries["positions"], self._group)
        return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def backlogs(self) -> dict[int, Backlog]:
        """Segments left, by lane."""
        rows = await self._connection.fetch(self._queries["segments"])
        return {row["lane"]: Backlog(row["segments"], row["events"]) for row in rows}

    async def lanes(self) -> dict[int, tuple[int, int]]:
        """Sequence numbers by lane: the newest given, and the newest known to be published."""
        rows = await self._connection.fetch(self._queries["lanes"])
        return {row["lane"]: (row["last_seq"], row["published_seq"]) for row in rows}

    async def pending_of_registered(self) -> int:
        """How much waits for a slot although its batch is registered."""
        count: int = await self._connection.fetchval(self._queries["pending_of_registered"])
        return count

    async def row_count(self) -> int:
        """About how many rows there are to copy."""
        count: int = await self._connection.fetchval(self._queries["rows"])
        return count

    async def stream(self, query: str, *arguments: Any) -> AsyncIterator[Sequence[Any]]:
        """The rows of a named query, a few thousand at a time, through a server-side cursor."""
        cursor = await self._connection.cursor(self._queries[query], *arguments)
        while rows := await cursor.fetch(_FETCH_ROWS):
            yield rows

    async def orders(self) -> Orders:
        """What operators did that changes what must hold."""
        return Orders(await self._connection.fetch(self._queries["orders"], self._group))

    async def corrections(self, reassignments: Sequence[Reassignment]) -> Corrections:
        """What takes these reassignments back."""
        if not reassignments:
            return Corrections([], [], [], [])
        batches = [one.batch_id for one in reassignments]
        slots = await self._connection.fetch(
            self._queries["reassigned_slots"], batches, [one.position for one in reassignments]
        )
        keys = [
            (one.batch_id, *key[1:])
            for one in reassignments
            for key in (one.winner, one.displaced)
            if key is not None
        ]
        columns = [list(column) for column in zip(*keys, strict=True)]
        claims = await self._connection.fetch(self._queries["moved_claims"], *columns)
        purged = await self._connection.fetch(self._queries["purged_batches"], batches)
        return Corrections(reassignments, slots, claims, (row["batch"] for row in purged))

    async def dead_letters(self) -> AsyncIterator[Sequence[Any]]:
        """Dead letters of the consumer group."""
        async for rows in self.stream("dead_letters", self._group):
            yield rows


class Database:
    """A connection that can only read. Open it with `open_database`."""

    def __init__(self, connection: Any, consumer_group: str) -> None:
        self._connection = connection
        self._group = consumer_group
        statements = load_queries("rollcall_cluster.auditor", "database.sql", *_QUERIES)
        self._queries = dict(zip(_QUERIES, statements, strict=True))

    async def require_tables(self, schema: str) -> None:
        """Refuse a schema that is not the service's.

        Raises:
            CannotAuditError: with the schema's name.
        """
        if not await self._connection.fetchval(self._queries["tables"]):
            raise CannotAuditError(
                f"schema {schema!r} does not hold the service's tables; check"
                " ROLLCALL_DATABASE_SCHEMA and ROLLCALL_POSTGRES_DSN, or migrate first"
            )

    async def require_group(self) -> None:
        """Refuse a group that has handled nothing where another has.

        Raises:
            CannotAuditError: with the names of those that have.
        """
        rows = await self._connection.fetch(self._queries["groups"])
        groups = [row["consumer_group"] for row in rows]
        if groups and self._group not in groups:
            raise CannotAuditError(
                f"consumer group {self._group!r} has no positions; those that have:"
                f" {', '.join(groups)}; check ROLLCALL_CONSUMER_GROUP"
            )

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """One REPEATABLE READ, READ ONLY transaction, rolled back at the end."""
        transaction = self._connection.transaction(isolation="repeatable_read", readonly=True)
        await transaction.start()
        try:
            # The first query fixes the moment; it must not wait until the first rows are wanted.
            read_only = await self._connection.fetchval(
                "SELECT current_setting('transaction_read_only')"
            )
            assert read_only == "on"
            yield Snapshot(self._connection, self._group, self._queries)
        finally:
            await transaction.rollback()


@asynccontextmanager
async def open_database(target: AuditTarget) -> AsyncIterator[Database]:
    """Connect to the database of `target`, with writing switched off for the whole session.

    Raises:
        CannotAuditError: the server cannot be reached, or the schema is not the service's.
    """
    try:
        connection = await asyncpg.connect(
            target.postgres_dsn.get_secret_value(),
            timeout=target.connect_timeout_seconds,
            server_settings={
                "application_name": "rollcall-verify",
                "default_transaction_read_only": "on",
                "search_path": target.database_schema,
                "statement_timeout": "0",
                "idle_in_transaction_session_timeout": "0",
                "jit": "off",
            },
        )
    except DATABASE_ERRORS as error:
        why = (
            database_refusal(error)
            or f"cannot be reached ({type(error).__name__}: {error}); check ROLLCALL_POSTGRES_DSN"
        )
        raise CannotAuditError(f"PostgreSQL {why}") from error
    try:
        database = Database(connection, target.consumer_group)
        await database.require_tables(target.database_schema)
        await database.require_group()
        yield database
    finally:
        await close_session(connection)
