"""Slots: taken atomically by claims, read for completion and by the API."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import count
from typing import Any
from uuid import UUID

from essay_lifecycle_service.domain.claims import Claim
from essay_lifecycle_service.domain.placement import Placement, Taken
from rollcall import load_queries
from rollcall_events import BatchEssaysRegisteredV1

_QUERIES = ("take", "repair", "open_essays", "give_up", "of_batch", "page", "of_essay")

_SLOTS_AT_A_TIME = 1000


class SlotStore:
    """Statements on the table slot; each runs on the connection it is given."""

    def __init__(self) -> None:
        (
            self._take,
            self._repair,
            self._open_essays,
            self._give_up,
            self._of_batch,
            self._page,
            self._of_essay,
        ) = load_queries("essay_lifecycle_service.store", "slots.sql", *_QUERIES)

    async def insert(
        self, connection: Any, registrations: Iterable[BatchEssaysRegisteredV1]
    ) -> None:
        """Open the slots of new batches, in the order of their essays."""
        await connection.copy_records_to_table(
            "slot",
            columns=("batch_id", "position", "essay_id"),
            records=_slots_of(registrations),
        )

    async def repair(
        self, connection: Any, registrations: Iterable[BatchEssaysRegisteredV1]
    ) -> None:
        """Open the slots that batches lack; those that they have stay as they are."""
        columns = map(list, zip(*_slots_of(registrations), strict=True))
        await connection.execute(self._repair, *columns)

    async def take(self, connection: Any, claims: Sequence[Claim]) -> Placement:
        """Give slots to claims; each claim at most once in `claims`.

        Raises:
            asyncpg.UniqueViolationError: another transaction placed the same content meanwhile; run
                the transaction again, it will see the winner.
        """
        rows = await connection.fetch(self._take, *claim_columns(claims))
        taken, left = [], []
        for ordinal, position, essay_id in rows:
            claim = claims[ordinal - 1]
            if position is None:
                left.append(claim)
            else:
                taken.append(Taken(claim, position, essay_id))
        return Placement(taken, left)

    async def open_essays(self, connection: Any, batch_id: UUID) -> list[str]:
        """Essays for which nothing came so far, in order of position."""
        return [row["essay_id"] for row in await connection.fetch(self._open_essays, batch_id)]

    async def give_up(self, connection: Any, batch_id: UUID, open_count: int) -> list[str]:
        """Make all open slots of a batch missing; returns their essays, in order of position.

        Its row must be locked; `open_count` is what it says. Nothing is given up and the list is
        empty if another transaction is about to take one of the slots: never waits for it.
        """
        rows = await connection.fetch(self._give_up, batch_id, open_count)
        return [row["essay_id"] for row in rows]

    async def of_batch(self, connection: Any, batch_id: UUID) -> AsyncIterator[list[Any]]:
        """All slots of a batch in order, some at a time."""
        after = -1
        while True:
            rows = await connection.fetch(self._of_batch, batch_id, after, _SLOTS_AT_A_TIME)
            yield rows
            if len(rows) < _SLOTS_AT_A_TIME:
                return
            after = rows[-1]["position"]

    async def page(
        self, connection: Any, batch_id: UUID, after_position: int, limit: int
    ) -> list[Any]:
        """Slots of a batch behind a position."""
        return list(await connection.fetch(self._page, batch_id, after_position, limit))

    async def of_essay(self, connection: Any, batch_id: UUID, essay_id: str) -> Any:
        """The slot of an essay, or None."""
        return await connection.fetchrow(self._of_essay, batch_id, essay_id)


def _slots_of(
    registrations: Iterable[BatchEssaysRegisteredV1],
) -> Iterator[tuple[UUID, int, str]]:
    for registration in registrations:
        for position, essay_id in zip(count(), registration.essay_ids, strict=False):
            yield registration.batch_id, position, essay_id


def claim_columns(claims: Sequence[Claim]) -> tuple[list[object], ...]:
    """Claims as the column arrays that the statements take, in their order."""
    return (
        [claim.batch_id for claim in claims],
        [claim.kind for claim in claims],
        [claim.identity for claim in claims],
        [claim.file_upload_id for claim in claims],
        [claim.original_file_name for claim in claims],
        [claim.raw_file_storage_id for claim in claims],
        [claim.file_size_bytes for claim in claims],
        [claim.content_md5_hash for claim in claims],
        [claim.validation_error_code for claim in claims],
        [claim.validation_error_detail for claim in claims],
        [claim.correlation_id for claim in claims],
    )
