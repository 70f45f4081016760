"""Batches: registration, counters, completion."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from essay_lifecycle_service.domain.deadline import DeadlineDefaults, Due, DueBatch, DuePlace, State
from essay_lifecycle_service.domain.placement import Counted, SlotsTaken
from essay_lifecycle_service.domain.registration import Registration
from rollcall import load_queries

_QUERIES = (
    "insert_batches",
    "digests",
    "lacking_slots",
    "count_taken",
    "complete",
    "registration",
    "past_deadline",
    "count_past_deadline",
    "lock_past_deadline",
    "time_out",
    "overview",
)


class BatchStore:
    """Statements on the tables batch and completion; each runs on the connection it is given."""

    def __init__(self) -> None:
        (
            self._insert,
            self._digests,
            self._lacking_slots,
            self._count_taken,
            self._complete,
            self._registration,
            self._past_deadline,
            self._count_past_deadline,
            self._lock_past_deadline,
            self._time_out,
            self._overview,
        ) = load_queries("essay_lifecycle_service.store", "batches.sql", *_QUERIES)

    async def insert(
        self, connection: Any, registrations: Sequence[Registration], defaults: DeadlineDefaults
    ) -> set[UUID]:
        """Insert batches, each once; returns the ids of those that are new."""
        deadlines = [defaults.deadline_of(registration.event) for registration in registrations]
        rows = await connection.fetch(
            self._insert,
            [registration.batch_id for registration in registrations],
            [registration.event.expected_essay_count for registration in registrations],
            [registration.event.course_code for registration in registrations],
            [registration.event.essay_instructions for registration in registrations],
            [registration.event.user_id for registration in registrations],
            [registration.correlation_id for registration in registrations],
            [registration.digest for registration in registrations],
            [deadline.seconds for deadline in deadlines],
            [deadline.policy for deadline in deadlines],
        )
        return {row["batch_id"] for row in rows}

    async def digests(self, connection: Any, batch_ids: Sequence[UUID]) -> dict[UUID, bytes]:
        """What existing batches were registered with."""
        rows = await connection.fetch(self._digests, batch_ids)
        return {row["batch_id"]: row["registration_digest"] for row in rows}

    async def lacking_slots(self, connection: Any, batch_ids: Sequence[UUID]) -> list[UUID]:
        """Of these batches, the open ones that have fewer slots than they expect."""
        rows = await connection.fetch(self._lacking_slots, batch_ids)
        return [row["batch_id"] for row in rows]

    async def count_taken(self, connection: Any, taken: Sequence[SlotsTaken]) -> Counted:
        """Move the counters; tells which batches are complete by this transaction."""
        rows = await connection.fetch(
            self._count_taken,
            [item.batch_id for item in taken],
            [item.filled for item in taken],
            [item.failed for item in taken],
        )
        return Counted(
            completed=sorted(row["batch_id"] for row in rows if row["state"] == "completed"),
            with_pending=sorted(row["batch_id"] for row in rows if row["has_pending"]),
        )

    async def complete(self, connection: Any, batch_id: UUID) -> None:
        """Record that the completion of a batch is announced by this transaction."""
        await connection.execute(self._complete, batch_id)

    async def registration(self, connection: Any, batch_id: UUID) -> Any:
        """What a completion repeats of the registration."""
        return await connection.fetchrow(self._registration, batch_id)

    async def past_deadline(self, connection: Any, after: DuePlace, limit: int) -> list[Due]:
        """Open batches whose deadline has passed, in order, those behind `after`."""
        rows = await connection.fetch(self._past_deadline, *after, limit)
        return [Due(DuePlace(place, batch_id), slots) for place, batch_id, slots in rows]

    async def count_past_deadline(self, connection: Any, late_seconds: float) -> int:
        """Batches that are not timed out although their deadline passed so long ago."""
        count: int = await connection.fetchval(self._count_past_deadline, late_seconds)
        return count

    async def lock_past_deadline(
        self, connection: Any, batch_ids: Sequence[UUID]
    ) -> list[DueBatch]:
        """Lock those of the batches that are still due; never waits for one that is locked."""
        rows = await connection.fetch(self._lock_past_deadline, batch_ids)
        return [DueBatch(**row) for row in rows]

    async def time_out(self, connection: Any, outcomes: Sequence[tuple[UUID, State]]) -> None:
        """Note that deadlines passed, and the state of each batch from now on."""
        await connection.execute(self._time_out, *map(list, zip(*outcomes, strict=True)))

    async def overview(self, connection: Any, batch_id: UUID) -> Any:
        """A batch with its counts and times, or None."""
        return await connection.fetchrow(self._overview, batch_id)
