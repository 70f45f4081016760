"""Claims that hold no slot: pending or excess."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from essay_lifecycle_service.domain.claims import Claim
from essay_lifecycle_service.domain.placement import Excess
from essay_lifecycle_service.store.slots import claim_columns
from rollcall import load_queries

_QUERIES = ("leave", "take_back", "batches_with_pending")


class UnplacedStore:
    """Statements on the table unplaced; each runs on the connection it is given."""

    def __init__(self) -> None:
        self._leave, self._take_back, self._batches_with_pending = load_queries(
            "essay_lifecycle_service.store", "unplaced.sql", *_QUERIES
        )

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
        rows = await connection.fetch(self._take_back, batch_ids, limit)
        claims = [_claim(row) for row in rows]
        return sorted(claims, key=lambda claim: (claim.first_seen_at, claim.identity))

    async def batches_with_pending(self, connection: Any, limit: int) -> list[UUID]:
        """Registered batches that have pending claims."""
        rows = await connection.fetch(self._batches_with_pending, limit)
        return [row["batch_id"] for row in rows]


def _claim(row: Any) -> Claim:
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
