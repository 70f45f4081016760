"""A resource that several holders write to: it notes each write with the fencing number it came with."""

import uuid
from typing import Any

from rollcall import Database
from rollcall.coordination import Hold

_TABLE = """
CREATE TABLE IF NOT EXISTS ledger (
    id bigint GENERATED ALWAYS AS IDENTITY, resource text, number bigint, writer text
)
"""

_ROOM = "CREATE TABLE IF NOT EXISTS room (resource text PRIMARY KEY, holder text, visits bigint NOT NULL)"


class Ledger:
    """Fenced writes to one resource, and what became of them; and a room that holds one."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.resource = f"resource-{uuid.uuid4().hex[:10]}"

    async def create(self) -> None:
        """Make the table, which tests share."""
        async with self.connection.transaction():
            await self.connection.execute("SELECT pg_advisory_xact_lock(7)")
            await self.connection.execute(_TABLE)
            await self.connection.execute(_ROOM)
            await self.connection.execute("INSERT INTO room VALUES ($1, NULL, 0)", self.resource)

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

    async def numbers(self) -> list[int]:
        """The fencing numbers of the writes, in order."""
        rows = await self.connection.fetch(
            "SELECT number FROM ledger WHERE resource = $1 ORDER BY id", self.resource
        )
        return [row["number"] for row in rows]

    async def visit(self, hold: Hold, database: Database) -> None:
        """Enter the room, alone, and leave it: two transactions under the fence."""
        async with database.acquire() as connection:
            async with connection.transaction():
                await hold.fence(connection, self.resource)
                entered = await connection.execute(
                    "UPDATE room SET holder = $2 WHERE resource = $1 AND holder IS NULL",
                    self.resource,
                    hold.token,
                )
            assert entered == "UPDATE 1", "somebody else is in the room"
            async with connection.transaction():
                await hold.fence(connection, self.resource)
                left = await connection.execute(
                    "UPDATE room SET holder = NULL, visits = visits + 1"
                    " WHERE resource = $1 AND holder = $2",
                    self.resource,
                    hold.token,
                )
            assert left == "UPDATE 1", "somebody else was in the room"

    async def visits(self) -> int:
        """How often somebody has been in the room."""
        count: int = await self.connection.fetchval(
            "SELECT visits FROM room WHERE resource = $1", self.resource
        )
        return count
