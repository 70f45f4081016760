"""When input is handled and its outcome published, as the database has it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import asyncpg

_POSITIONS = "SELECT topic, partition, next_offset FROM position WHERE consumer_group = $1"
_NEWEST = "SELECT coalesce(max(id), 0) FROM segment"
_OLDEST = "SELECT coalesce(min(id), 9223372036854775807) FROM segment"
_WAITING = "SELECT count(*) FROM unplaced JOIN batch USING (batch_id) WHERE outcome = 'pending'"
_POLL_SECONDS = 0.05
_COMMAND_SECONDS = 15.0

Place = tuple[str, int]


class Ledger:
    """Positions and segments of one deployment; reads alone."""

    def __init__(self, connection: asyncpg.Connection, group: str) -> None:
        self._connection = connection
        self._group = group

    async def positions(self) -> dict[Place, int]:
        """The next offset of every partition."""
        rows = await self._connection.fetch(_POSITIONS, self._group)
        return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def wait_published(self, newest: Mapping[Place, int], limit_seconds: float) -> None:
        """Return once these records are handled, and what they caused is published.

        Raises:
            TimeoutError: not in time.
        """
        deadline = time.monotonic() + limit_seconds
        while not await self._handled(newest):
            await _pause(deadline, f"{len(newest)} partitions are handled")
        # What found every open slot locked waits for a moment, then is placed in a transaction of its own.
        while await self._connection.fetchval(_WAITING):
            await _pause(deadline, "contents that wait for a slot of a registered batch are placed")
        last = await self._connection.fetchval(_NEWEST)
        while await self._connection.fetchval(_OLDEST) <= last:
            await _pause(deadline, "segments are published")

    async def _handled(self, newest: Mapping[Place, int]) -> bool:
        positions = await self.positions()
        return all(positions.get(place, 0) > offset for place, offset in newest.items())


@asynccontextmanager
async def open_ledger(environment: Mapping[str, str]) -> AsyncIterator[Ledger]:
    """A connection of its own to a deployment."""
    connection = await asyncpg.connect(
        environment["ROLLCALL_POSTGRES_DSN"],
        timeout=_COMMAND_SECONDS,
        command_timeout=_COMMAND_SECONDS,
        server_settings={
            "search_path": environment["ROLLCALL_DATABASE_SCHEMA"],
            "application_name": "rollcall-scenarios",
        },
    )
    try:
        yield Ledger(connection, environment["ROLLCALL_CONSUMER_GROUP"])
    finally:
        connection.terminate()  # reads alone: nothing to finish


async def _pause(deadline: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError(f"not in time: {what}")
    await asyncio.sleep(_POLL_SECONDS)
