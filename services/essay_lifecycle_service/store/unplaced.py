"""Claims that hold no slot: pending or excess."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from essay_lifecycle_service.domain.claims import Claim
from essay_lifecycle_service.domain.placement import Excess
from essay_lifecycle_service.store.slots import claim_columns
from rollcall import load_queries

_QUERIES = ("leave", "take_back", "pending_of_registered", "take_back_claims", "pending_ages")


class PendingPlace(NamedTuple):
    """A pending claim, by where it stands among all."""

    batch_id: UUID
    first_seen_at: datetime
    kind: str
    identity: str


FIRST_PENDING = PendingPlace(UUID(int=0), datetime.min.replace(tzinfo=UTC), "", "")


class UnplacedStore:
    """Statements on the table unplaced; each runs on the connection it is given."""

    def __init__(self) -> None:
        (
            self._leave,
            self._take_back,
            self._pending_of_registered,
            self._take_back_claims,
            self._pending_ages,
        ) = load_queries("essay_lifecycle_service.store", "unplaced.sql", *_QUERIES)

    async def leave(self, connection: Any, claims: Sequence[Claim]) -> list[Excess]:
        """Keep claims without a slot; returns those that are excess by this transaction."""
        rows = await connection.fetch(
            self._leave, *claim_columns(claims), [claim.first_seen_at for claim in claims]
        )
        closed = {
            (row["batch_id"], row["kind"], row["identity"]): row["batch_closed"]
            for row in rows
            if row["outcome"] == "excess"
        }
        return [
            Excess(claim, batch_closed=closed[claim.key]) for claim in claims if claim.key in closed
        ]

    async def take_back(
        self, connection: Any, batch_ids: Sequence[UUID], limit: int
    ) -> list[Claim]:
        """Remove pending claims of registered batches, to place them in this transaction."""
        return _oldest_first(await connection.fetch(self._take_back, batch_ids, limit))

    async def pending_of_registered(
        self, connection: Any, after: PendingPlace, limit: int
    ) -> list[PendingPlace]:
        """Pending claims of registered batches, in order, those behind `after`."""
        rows = await connection.fetch(self._pending_of_registered, *after, limit)
        return [PendingPlace(*row) for row in rows]

    async def take_back_claims(
        self, connection: Any, places: Sequence[PendingPlace]
    ) -> list[Claim]:
        """Remove these claims if they are still pending, to place them in this transaction."""
        rows = await connection.fetch(
            self._take_back_claims,
            [place.batch_id for place in places],
            [place.kind for place in places],
            [place.identity for place in places],
        )
        return _oldest_first(rows)

    async def pending_ages(self, connection: Any, stuck_seconds: float) -> tuple[float, int]:
        """Age of the oldest pending claim in seconds (0: none), and the number of stuck batches."""
        oldest_seconds, stuck = await connection.fetchrow(self._pending_ages, stuck_seconds)
        return oldest_seconds, stuck


def _oldest_first(rows: Iterable[Any]) -> list[Claim]:
    claims = [claim_of_row(row) for row in rows]
    return sorted(claims, key=lambda claim: (claim.first_seen_at, claim.identity))


def claim_of_row(row: Any) -> Claim:
    """What a row of the table says."""
    return Claim(
        row["batch_id"],
        row["kind"],
        row["identity"],
        row["file_upload_id"],
        row["original_file_name"],
        row["raw_file_storage_id"],
        row["file_size_bytes"],
        row["content_md5_hash"],
        row["validation_error_code"],
        row["validation_error_detail"],
        row["correlation_id"],
        row["first_seen_at"],
    )
