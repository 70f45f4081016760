"""Fencing numbers: drawn so that they only ever grow, and what a resource does with them.

A number is an epoch from PostgreSQL and a count from Redis. The count is raised by the script that takes
the lock. The epoch belongs to one life of the data in Redis: it is drawn after that life began, so it is
above all that earlier lives were given. See docs/architecture/coordination.md for why this holds.
"""

from typing import Any, Protocol

from rollcall.database.queries import load_queries
from rollcall.errors import FencedOutError

_COUNT_BITS = 32


class Acquiring(Protocol):
    """Where connections to PostgreSQL come from, as `rollcall.Database`."""

    def acquire(self) -> Any:
        """An async context manager that gives an asyncpg connection."""


def fencing_number(epoch: int, count: int) -> int:
    """One number out of both, in their order; below 2**63."""
    return epoch << _COUNT_BITS | count


class Fences:
    """Epochs and fences in PostgreSQL."""

    def __init__(self, database: Acquiring) -> None:
        self._database = database
        self._draw, self._claim = load_queries(
            "rollcall.coordination", "fence.sql", "draw", "claim"
        )
        self._refused: dict[int, int] = {}

    async def draw(self, above: int) -> int:
        """A new epoch, above all others.

        Raises:
            OSError, TimeoutError, asyncpg.PostgresError: there is no PostgreSQL now.
        """
        async with self._database.acquire() as connection:
            epoch: int = await connection.fetchval(self._draw, above)
        return epoch

    async def claim(self, connection: Any, resource: str, bucket: int, number: int) -> None:
        """Let the open transaction of `connection` commit only if nobody newer has written.

        Raises:
            FencedOutError: somebody has.
        """
        if await connection.fetchval(self._claim, resource, number) is None:
            self._refused[bucket] = max(self.refused(bucket), number >> _COUNT_BITS)
            raise FencedOutError(f"{resource}: a holder newer than {number} has written")

    def refused(self, bucket: int) -> int:
        """The newest epoch with which this process was refused; numbers must come from a newer one."""
        return self._refused.get(bucket, 0)
