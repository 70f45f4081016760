"""Copies a database snapshot into the scratch database, a few thousand rows at a time."""

from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from rollcall_cluster.auditor.database import Snapshot
from rollcall_cluster.auditor.digests import context_digest, digest
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.orders import Corrections, Reassignment
from rollcall_cluster.auditor.progress import Progress
from rollcall_cluster.auditor.roll import RollCall, slot_sighting, unplaced_sighting
from rollcall_cluster.auditor.scratch import Scratch

Row = tuple[Any, ...]


class SnapshotCopy:
    """Copies everything the checks need; what it reads is all of one moment."""

    def __init__(
        self, snapshot: Snapshot, scratch: Scratch, logbook: Logbook, progress: Progress
    ) -> None:
        self._snapshot = snapshot
        self._scratch = scratch
        self._logbook = logbook
        self._progress = progress
        self._corrections = Corrections([], [], [], [])

    async def dead_letters(self) -> None:
        """Copy the dead letters; whoever reads the logs has to know them."""
        async for rows in self._snapshot.dead_letters():
            self._scratch.insert("dead_letter", self._letters(rows))

    async def rows(self) -> None:
        """Copy everything else that grows with the number of events."""
        reassignments = (await self._snapshot.orders()).reassignments
        self._corrections = await self._snapshot.corrections(reassignments)
        self._scratch.insert("reassignment", reassignment_rows(reassignments, self._corrections))
        await self._copy_slots()
        await self._copy("batches", "batch", lambda row: batch_row(self._corrections.batch(row)))
        await self._copy_unplaced()
        await self._copy("completions", "completion", tuple)

    async def _copy_slots(self) -> None:
        roll = RollCall()
        async for found in self._read(self._snapshot.stream("slots")):
            rows = [self._corrections.slot(row) for row in found]
            self._scratch.insert("roll", roll.take(rows))
            self._scratch.insert("sighting", filter(None, map(slot_sighting, rows)))
        self._scratch.insert("roll", roll.finish())

    async def _copy_unplaced(self) -> None:
        self._scratch.insert("sighting", map(unplaced_sighting, self._corrections.moved))
        async for found in self._read(self._snapshot.stream("unplaced")):
            rows = [row for row in found if not self._corrections.is_displaced(row)]
            self._scratch.insert("sighting", map(unplaced_sighting, rows))
            self._scratch.insert("pending", pending_rows(rows))

    async def _copy(self, query: str, table: str, row_of: Callable[[Any], Row]) -> None:
        async for rows in self._read(self._snapshot.stream(query)):
            self._scratch.insert(table, map(row_of, rows))

    def _letters(self, rows: Sequence[Any]) -> Iterable[Row]:
        """Dead letters of other services' topics are not ours to judge."""
        for topic, partition, offset, state, at in rows:
            if (log := self._logbook.number(topic, partition)) is not None:
                yield (log, offset, state, at)

    async def _read(self, batches: AsyncIterable[Sequence[Any]]) -> AsyncIterable[Sequence[Any]]:
        async for rows in batches:
            yield rows
            self._progress.advance(len(rows))


def batch_row(row: Any) -> Row:
    """A row of `batch`."""
    return (
        row["batch"],
        row["expected_count"],
        row["open_count"],
        row["filled_count"],
        row["failed_count"],
        row["missing_count"],
        row["state"] == "completed",
        row["state"] == "closed",
        row["completed_at"] is not None,
        row["closed_at"] is not None,
        row["timed_out_at"] is not None,
        row["forced_at"] is not None,
        row["purged_at"] is not None,
        row["deadline_seconds"],
        row["deadline_policy"],
        context_digest(row["course_code"], row["user_id"]),
        digest(row["essay_instructions"]),
        _seconds(row["completed_at"]),
        _seconds(row["timed_out_at"] or row["forced_at"]),
    )


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def reassignment_rows(
    reassignments: Sequence[Reassignment], corrections: Corrections
) -> Iterable[Row]:
    """Rows of `reassignment`."""
    for one in reassignments:
        was_missing = one.state == "missing"
        yield (one.entry, one.batch_id.bytes, was_missing, corrections.in_place[one.entry])


def pending_rows(rows: Sequence[Any]) -> Iterable[Row]:
    """Rows of `pending` for what waits."""
    for row in rows:
        if row["outcome"] == "pending":
            yield (row["batch"], row["kind"] == "failure", row["identity"], row["age_seconds"])
