"""A connection that sends along with BEGIN and COMMIT what would be round trips of their own.

Plans of small transactions are kept for a second; every other statement is planned each time. A plan
that is made for the values at hand stays right whatever the tables become, and costs nothing beside a
thousand records. Beside a handful of records it is a third of what PostgreSQL has to do.
"""

import time
from typing import Any

import asyncpg

# At this many records a plan for any number of them is as good as one for this number.
FEW_RECORDS = 20
# Tables that were empty when a plan was made have grown meanwhile.
_KEPT_SECONDS = 1.0
_BEGIN, _COMMIT = "BEGIN;", "COMMIT;"


class TransactionConnection(asyncpg.Connection):  # type: ignore[misc]
    """As asyncpg's, and quicker while it serves one transaction from its pool and back."""

    _serves_one_transaction = False
    _keeps_plans = False
    _has_reset = False
    _forgot_plans_at = 0.0

    def serve_one_transaction(self, *, keep_plans: bool) -> None:
        """Promise that nothing follows the next transaction until the connection is given back.

        Args:
            keep_plans: the transaction is of few records.
        """
        self._serves_one_transaction = True
        self._keeps_plans = keep_plans

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """As asyncpg's; with `transaction()` it is what begins and commits a transaction."""
        resets = self._serves_one_transaction and query == _COMMIT
        if resets:
            query = f"{_COMMIT} {super().get_reset_query()}"
        elif self._keeps_plans and query == _BEGIN:
            query = f"{_BEGIN} {self._forgetting()}SET LOCAL plan_cache_mode = force_generic_plan;"
        status: str = await super().execute(query, *args, timeout=timeout)
        self._has_reset = resets
        return status

    def get_reset_query(self) -> str:
        """As asyncpg's; nothing if COMMIT took it along."""
        return "" if self._has_reset else str(super().get_reset_query())

    async def reset(self, *, timeout: float | None = None) -> None:
        """As asyncpg's: the pool calls it whenever the connection is given back."""
        await super().reset(timeout=timeout)
        self._serves_one_transaction = self._keeps_plans = self._has_reset = False

    def _forgetting(self) -> str:
        now = time.monotonic()
        if now - self._forgot_plans_at < _KEPT_SECONDS:
            return ""
        self._forgot_plans_at = now
        return "DISCARD PLANS; "
