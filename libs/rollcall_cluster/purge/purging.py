"""Purges in short transactions; never a batch whose end has not been published."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from rollcall import failpoints
from rollcall.database.queries import load_queries
from rollcall.errors import SchemaNotMigratedError
from rollcall.outbox.event import lane_of
from rollcall_cluster.purge.failpoints import PurgeFailpoint
from rollcall_cluster.purge.progress import Progress

# Bounds of one transaction.
BATCHES = 500
SLOTS = 20_000
LATE_CLAIMS = 5000

_LOCK_TIMEOUT = "SET lock_timeout = '500ms'"
_LOOK_SECONDS = 0.05
_QUERIES = (
    "has_tables",
    "cutoff",
    "count_ended",
    "ended",
    "lanes",
    "unpublished",
    "lock",
    "delete_excess",
    "delete_slots",
    "delete_completions",
    "delete_traces",
    "mark",
    "delete_late_excess",
)


@dataclass(slots=True)
class Purged:
    """What a purge did, or, as a dry run, would do."""

    older_than: datetime
    """Batches that ended before then were to go."""
    batches: int = 0
    slots: int = 0
    excess: int = 0
    """Contents and failures without a slot, those that came after an earlier purge included."""
    unpublished: int = 0
    """Batches left because events of their lane wait for publication."""
    busy: int = 0
    """Batches left because something of them is pending or locked."""


class Ended(NamedTuple):
    """A batch that ended long enough ago."""

    ended_at: datetime
    batch_id: UUID
    slots: int


_FIRST = Ended(datetime.min.replace(tzinfo=UTC), UUID(int=0), 0)


class Purge:
    """One purge on a connection of its own, which is in no transaction."""

    def __init__(self, connection: Any, progress: Progress, wait_seconds: float) -> None:
        self._connection = connection
        self._progress = progress
        self._wait_seconds = wait_seconds
        statements = load_queries("rollcall_cluster.purge", "purge.sql", *_QUERIES)
        self._sql = dict(zip(_QUERIES, statements, strict=True))

    async def run(self, older_seconds: float, limit: int | None, *, dry_run: bool) -> Purged:
        """Purge what ended longer ago than that, the oldest first, `limit` batches at most.

        Raises:
            SchemaNotMigratedError: the schema is not the service's, or of an older release.
        """
        if not await self._value("has_tables"):
            raise SchemaNotMigratedError(
                "the schema does not know purged batches: check ROLLCALL_DATABASE_SCHEMA, or run the"
                " service's 'migrate' command"
            )
        await self._connection.execute(_LOCK_TIMEOUT)
        done = Purged(await self._value("cutoff", older_seconds))
        total = await self._value("count_ended", done.older_than)
        self._progress.begin(total if limit is None else min(limit, total))
        await self._purge_batches(done, limit, dry_run)
        if not dry_run:
            await self._purge_late_excess(done)
        return done

    async def _purge_batches(self, done: Purged, limit: int | None, dry_run: bool) -> None:
        lanes = await self._value("lanes")
        after, seen = _FIRST, 0
        while limit is None or seen < limit:
            most = BATCHES if limit is None else min(BATCHES, limit - seen)
            page = await self._page(done.older_than, after, most)
            if not page:
                return
            published = await self._published(page, lanes, 0.0 if dry_run else self._wait_seconds)
            done.unpublished += len(page) - len(published)
            if dry_run:
                done.batches += len(published)
                done.slots += sum(batch.slots for batch in published)
            else:
                await self._delete(published, done)
            after, seen = page[-1], seen + len(page)
            self._progress.advance(len(page))

    async def _page(self, cutoff: datetime, after: Ended, most: int) -> list[Ended]:
        place = (after.ended_at, after.batch_id)
        rows = await self._connection.fetch(self._sql["ended"], cutoff, *place, most, SLOTS)
        return [Ended(*row) for row in rows]

    async def _published(self, page: list[Ended], lanes: int, wait_seconds: float) -> list[Ended]:
        """Those whose announcements are all in Kafka.

        A batch ends and is announced in one transaction. So whoever has seen it ended sees its
        segment, too, unless that is published; it is published for certain once its lane holds no
        unpublished segment up to the newest one that is there now. Segments added later do not matter.
        """
        lane_of_batch = {batch: lane_of(str(batch.batch_id).encode(), lanes) for batch in page}
        marks = await self._unpublished(dict.fromkeys(lane_of_batch.values()))
        deadline = time.monotonic() + wait_seconds
        left = marks
        while left and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_SECONDS)
            left = await self._unpublished({lane: marks[lane] for lane in left})
        return [batch for batch in page if lane_of_batch[batch] not in left]

    async def _unpublished(self, marks: Mapping[int, int | None]) -> dict[int, int]:
        rows = await self._connection.fetch(
            self._sql["unpublished"], list(marks), list(marks.values())
        )
        return {row["lane"]: row["newest"] for row in rows}

    async def _delete(self, batches: Iterable[Ended], done: Purged) -> None:
        """Delete batches in one transaction, all but their rows."""
        wanted = [batch.batch_id for batch in batches]
        try:
            async with self._connection.transaction():
                rows = await self._connection.fetch(self._sql["lock"], wanted)
                free = [row["batch_id"] for row in rows]
                failpoints.reached(PurgeFailpoint.LOCKED)
                excess = await self._execute("delete_excess", free)
                failpoints.reached(PurgeFailpoint.EXCESS_DELETED)
                slots = await self._execute("delete_slots", free)
                failpoints.reached(PurgeFailpoint.SLOTS_DELETED)
                await self._execute("delete_completions", free)
                await self._execute("delete_traces", free)
                failpoints.reached(PurgeFailpoint.COMPLETIONS_DELETED)
                await self._execute("mark", free)
                failpoints.reached(PurgeFailpoint.MARKED)
        except asyncpg.LockNotAvailableError:
            done.busy += len(wanted)
            return
        failpoints.reached(PurgeFailpoint.COMMITTED)
        done.batches += len(free)
        done.busy += len(wanted) - len(free)
        done.slots += slots
        done.excess += excess

    async def _purge_late_excess(self, done: Purged) -> None:
        while count := await self._execute("delete_late_excess", done.older_than, LATE_CLAIMS):
            failpoints.reached(PurgeFailpoint.LATE_EXCESS_DELETED)
            done.excess += count

    async def _value(self, query: str, *arguments: object) -> Any:
        return await self._connection.fetchval(self._sql[query], *arguments)

    async def _execute(self, query: str, *arguments: object) -> int:
        """Run a statement; returns the number of rows that it changed."""
        status: str = await self._connection.execute(self._sql[query], *arguments)
        return int(status.rpartition(" ")[2])
