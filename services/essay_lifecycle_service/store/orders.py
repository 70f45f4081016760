"""What operators' orders read and write of batches, slots and claims."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from essay_lifecycle_service.domain.claims import Claim
from essay_lifecycle_service.domain.deadline import State
from essay_lifecycle_service.domain.placement import Taken
from essay_lifecycle_service.store.unplaced import claim_of_row
from rollcall import load_queries

_QUERIES = (
    "waiting_batches",
    "waiting_claims",
    "counts",
    "lock",
    "force_end",
    "lock_slot",
    "lock_excess",
    "moved_before",
    "displace",
    "forget_excess",
    "give_slot",
    "count_given",
    "excess_contents",
    "filled_slots",
    "missing_essays",
)
_PAGE = 1000


@dataclass(slots=True, frozen=True)
class ExcessContents:
    """Contents of a batch that were excess at one moment; read them in the transaction that asked.

    No lock keeps others from coming meanwhile: contents that are too late do not touch their batch.
    """

    count: int
    pages: AsyncIterator[list[Claim]]


class OrderStore:
    """Statements of orders; each runs on the connection it is given."""

    def __init__(self) -> None:
        statements = load_queries("essay_lifecycle_service.store", "orders.sql", *_QUERIES)
        self._sql = dict(zip(_QUERIES, statements, strict=True))

    async def waiting_batches(self, connection: Any, limit: int) -> list[Any]:
        """Batches for which something is pending, the longest first."""
        return list(await connection.fetch(self._sql["waiting_batches"], limit))

    async def waiting_claims(self, connection: Any, batch_id: UUID, limit: int) -> list[Any]:
        """What is pending for one batch, the longest first."""
        return list(await connection.fetch(self._sql["waiting_claims"], batch_id, limit))

    async def counts(self, connection: Any, batch_id: UUID) -> dict[str, Any] | None:
        """State and counts of a batch, or None."""
        row = await connection.fetchrow(self._sql["counts"], batch_id)
        return dict(row) if row else None

    async def lock(self, connection: Any, batch_id: UUID) -> Any:
        """The row of a batch, locked, or None."""
        return await connection.fetchrow(self._sql["lock"], batch_id)

    async def force_end(self, connection: Any, batch_id: UUID, state: State) -> None:
        """End a batch whose open slots were given up; its row is locked."""
        await connection.execute(self._sql["force_end"], batch_id, state)

    async def lock_slot(self, connection: Any, batch_id: UUID, essay_id: str) -> Any:
        """The slot of an essay, locked, or None."""
        return await connection.fetchrow(self._sql["lock_slot"], batch_id, essay_id)

    async def lock_excess(self, connection: Any, batch_id: UUID, content: str) -> Any:
        """A content without a slot, locked, or None."""
        return await connection.fetchrow(self._sql["lock_excess"], batch_id, content)

    async def moved_before(self, connection: Any, group: str, batch_id: UUID, content: str) -> bool:
        """Whether a content has lost or won a slot by hand before."""
        moved: bool = await connection.fetchval(
            self._sql["moved_before"], group, f"{batch_id}/", content
        )
        return moved

    async def displace(self, connection: Any, batch_id: UUID, position: int) -> Any:
        """Make what holds a slot excess; returns its row, or None if nothing held it."""
        return await connection.fetchrow(self._sql["displace"], batch_id, position)

    async def give_slot(self, connection: Any, position: int, held: str, excess: Any) -> None:
        """Move a content from excess to a slot of the state `held`, and the counters with it."""
        batch_id, content = excess["batch_id"], excess["identity"]
        await connection.execute(self._sql["forget_excess"], batch_id, content)
        await connection.execute(
            self._sql["give_slot"],
            batch_id,
            position,
            content,
            excess["file_upload_id"],
            excess["original_file_name"],
            excess["raw_file_storage_id"],
            excess["file_size_bytes"],
            excess["content_md5_hash"],
            excess["correlation_id"],
        )
        await connection.execute(self._sql["count_given"], batch_id, held)

    async def excess_contents(self, connection: Any, batch_id: UUID) -> ExcessContents:
        """Contents of a batch that are excess now."""
        cursor = await connection.cursor(self._sql["excess_contents"], batch_id)
        first = await cursor.fetch(_PAGE)
        return ExcessContents(first[0]["total"] if first else 0, _pages(cursor, first))

    async def filled_slots(self, connection: Any, batch_id: UUID) -> AsyncIterator[list[Taken]]:
        """Filled slots of a batch in order of position, some at a time."""
        after = -1
        while rows := await connection.fetch(self._sql["filled_slots"], batch_id, after, _PAGE):
            yield [_taken(row) for row in rows]
            after = rows[-1]["position"]

    async def missing_essays(self, connection: Any, batch_id: UUID) -> Sequence[str]:
        """Essays whose slots were given up, in order of position."""
        rows = await connection.fetch(self._sql["missing_essays"], batch_id)
        return [row["essay_id"] for row in rows]


async def _pages(cursor: Any, rows: Sequence[Any]) -> AsyncIterator[list[Claim]]:
    while rows:
        yield [claim_of_row(row) for row in rows]
        rows = await cursor.fetch(_PAGE)


def _taken(slot: Any) -> Taken:
    """What holds a filled slot, as when it took it."""
    claim = Claim(
        slot["batch_id"],
        "content",
        slot["text_storage_id"],
        slot["file_upload_id"],
        slot["original_file_name"],
        slot["raw_file_storage_id"],
        slot["file_size_bytes"],
        slot["content_md5_hash"],
        None,
        None,
        slot["correlation_id"],
    )
    return Taken(claim, slot["position"], slot["essay_id"])
