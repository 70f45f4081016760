"""The statements of reconcile.sql on one connection."""

from typing import Any

import asyncpg

from rollcall.database.queries import load_queries
from rollcall_cluster.reconcile.errors import ReconcileError

_QUERIES = (
    "own_lanes",
    "age",
    "positions",
    "unknown_batches",
    "slots_told",
    "is_dead",
    "contradictions",
    "ended_by_hand",
    "remember",
    "fill",
    "place",
    "exceed",
    "miss",
    "failed_slots",
    "pending_failures",
    "holding_failures",
    "fail",
    "forget_failure",
    "count",
    "complete",
    "half_told",
    "forced",
    "closed_unannounced",
    "lost_orders",
    "write_order",
    "go_on_after",
    "mourn",
    "numbered",
    "drop_numbered",
    "unnumbered",
    "is_told",
    "is_marked",
    "drop_segment",
    "advance",
    "new_life",
)


class Statements:
    """Runs statements by name, in the transaction that is open on `connection`."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        statements = load_queries("rollcall_cluster.reconcile", "reconcile.sql", *_QUERIES)
        self._queries = dict(zip(_QUERIES, statements, strict=True))

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Its rows."""
        rows: list[Any] = await self.connection.fetch(self._queries[query], *arguments)
        return rows

    async def value(self, query: str, *arguments: Any) -> Any:
        """Its one value."""
        return await self.connection.fetchval(self._queries[query], *arguments)

    async def execute(self, query: str, *arguments: Any) -> int:
        """How many rows it changed.

        Raises:
            ReconcileError: a constraint forbids what was published.
        """
        try:
            status: str = await self.connection.execute(self._queries[query], *arguments)
        except asyncpg.IntegrityConstraintViolationError as error:
            raise ReconcileError(
                f"what was published does not fit the database ({error}): restore it again with every"
                " replica stopped, then reconcile"
            ) from error
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0
