"""Plans of small transactions are kept for a second; every other statement is planned each time.

A plan that is made for the values at hand stays right whatever the tables become, and costs nothing
beside a thousand records. Beside a handful of records it is a third of what PostgreSQL has to do.
"""

import time
from typing import Any

import asyncpg

# At this many records a plan for any number of them is as good as one for this number.
FEW_RECORDS = 20
# Tables that were empty when a plan was made have grown meanwhile.
_KEPT_SECONDS = 1.0
_BEGIN = "BEGIN;"


class PlanKeepingConnection(asyncpg.Connection):  # type: ignore[misc]
    """As asyncpg's; what keeping plans takes goes to the server together with BEGIN."""

    _keeps_plans = False
    _forgot_plans_at = 0.0

    def keep_plans(self, keep: bool) -> None:
        """Whether the transactions that begin from now on are of few records."""
        self._keeps_plans = keep

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """As asyncpg's; with `transaction()` it is what begins a transaction."""
        if self._keeps_plans and query == _BEGIN:
            query = f"{_BEGIN} {self._forgetting()}SET LOCAL plan_cache_mode = force_generic_plan;"
        status: str = await super().execute(query, *args, timeout=timeout)
        return status

    def _forgetting(self) -> str:
        now = time.monotonic()
        if now - self._forgot_plans_at < _KEPT_SECONDS:
            return ""
        self._forgot_plans_at = now
        return "DISCARD PLANS; "
