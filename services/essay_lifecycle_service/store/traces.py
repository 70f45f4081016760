"""The traces of claims, from the transaction that saw their record to the one that announces them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from essay_lifecycle_service.domain.claims import Claim
from essay_lifecycle_service.domain.traces import one_of_each_trace
from rollcall import TraceContext, load_queries

_QUERIES = ("remember", "recall", "of_complete")


class TraceStore:
    """Statements on the table claim_trace, run only while tracing is on."""

    def __init__(self) -> None:
        self._remember, self._recall, self._of_complete = load_queries(
            "essay_lifecycle_service.store", "traces.sql", *_QUERIES
        )

    async def remember(self, connection: Any, claims: Sequence[Claim]) -> None:
        """Keep the traces of those claims that have one."""
        await self._keep(connection, {claim.key: claim.trace for claim in claims})

    async def remember_registrations(
        self, connection: Any, traces: Mapping[UUID, TraceContext | None]
    ) -> None:
        """Keep the traces of registrations, by batch."""
        keyed = {(batch_id, "registration", ""): trace for batch_id, trace in traces.items()}
        await self._keep(connection, keyed)

    async def _keep(
        self, connection: Any, traces: Mapping[tuple[UUID, str, str], TraceContext | None]
    ) -> None:
        rows = [(*key, *trace) for key, trace in traces.items() if trace]
        if rows:
            await connection.execute(self._remember, *map(list, zip(*rows, strict=True)))

    async def recall(self, connection: Any, claims: Sequence[Claim]) -> None:
        """Give claims that waited the traces they came with; forgets them."""
        rows = await connection.fetch(self._recall, *_keys(claims))
        found = {tuple(row)[:3]: TraceContext(*tuple(row)[3:]) for row in rows}
        for claim in claims:
            claim.trace = found.get(claim.key)

    async def of_complete(self, connection: Any, batch_id: UUID) -> tuple[TraceContext, ...]:
        """What the completion of a batch was caused by, oldest first; forgets it."""
        rows = await connection.fetch(self._of_complete, batch_id)
        rows.sort(key=lambda row: row["seen_at"])
        return one_of_each_trace(TraceContext(*tuple(row)[:2]) for row in rows)


def _keys(claims: Sequence[Claim]) -> tuple[list[UUID], list[str], list[str]]:
    return (
        [claim.batch_id for claim in claims],
        [claim.kind for claim in claims],
        [claim.identity for claim in claims],
    )
