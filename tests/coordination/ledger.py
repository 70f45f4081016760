"""A resource that several holders write to: it notes each write with the fencing number it came with."""

import uuid
from typing import Any

from rollcall.coordination import Hold

_TABLE = """
CREATE TABLE IF NOT EXISTS ledger (
    id bigint GENERATED ALWAYS AS IDENTITY, resource text, number bigint, writer text
)
"""


class Ledger:
    """Fenced writes to one resource, and what became of them."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.resource = f"resource-{uuid.uuid4().hex[:10]}"

    async def create(self) -> None:
        """Make the table, which tests share."""
        async with self.connection.transaction():
            await self.connection.execute("SELECT pg_advisory_xact_lock(7)")
            await self.connection.execute(_TABLE)

    async def write(self, hold: Hold, writer: str) -> None:
        """Write under the fence; raises if the fence or the lock says no."""
        async with self.connection.transaction():
            await hold.fence(self.connection, self.resource)
            await self.connection.execute(
                "INSERT INTO ledger (resource, number, writer) VALUES ($1, $2, $3)",
                self.resource,
                hold.number,
                writer,
            )

    async def writers(self) -> list[str]:
        """Who has written, in order."""
        rows = await self.connection.fetch(
            "SELECT writer FROM ledger WHERE resource = $1 ORDER BY id", self.resource
        )
        return [row["writer"] for row in rows]
