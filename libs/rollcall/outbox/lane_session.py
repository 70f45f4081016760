"""The PostgreSQL session whose advisory locks make this instance the owner of lanes.

Everything a lane's owner does in the database happens on this very session: once it has ended, the
former owner cannot touch the lane any more. The server ends it when nothing is heard for
`lane_session_timeout_seconds`, so a stopped or cut-off owner does not keep its lanes.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from rollcall.database.failures import DATABASE_ERRORS
from rollcall.database.pool import close_session, connect_session
from rollcall.database.queries import load_queries
from rollcall.errors import LaneLostError
from rollcall.settings import ServiceSettings

_QUERIES = ("beat", "leave", "try_lock", "unlock")
_LEAVE_SECONDS = 2.0


class LaneSession:
    """One connection, used by one statement at a time."""

    def __init__(self, settings: ServiceSettings, connection: Any) -> None:
        self._settings = settings
        self._connection = connection
        self._turn = asyncio.Lock()
        self._beat, self._leave, self._try_lock, self._unlock = load_queries(
            "rollcall.outbox", "lanes.sql", *_QUERIES
        )

    @classmethod
    async def open(cls, settings: ServiceSettings) -> "LaneSession":
        """Connect.

        Raises:
            OSError, asyncpg.PostgresError, TimeoutError: the server cannot be reached or refuses.
        """
        connection = await connect_session(settings, settings.lane_session_timeout_seconds)
        return cls(settings, connection)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Take a turn on the session.

        Raises:
            LaneLostError: the session has ended, and with it every lock.
        """
        async with self._turn:
            try:
                yield self._connection
            except DATABASE_ERRORS as error:
                self._connection.terminate()
                raise LaneLostError(f"the lane session ended: {error!r}") from error

    async def beat(self, http_url: str | None) -> int:
        """Report this instance alive, and forget old plans; returns the number of live instances."""
        silence = self._settings.lane_session_timeout_seconds / 2
        async with self.connection() as connection:
            await connection.execute("DISCARD PLANS")
            alive: int = await connection.fetchval(
                self._beat,
                self._settings.instance_id,
                socket.gethostname(),
                os.getpid(),
                http_url,
                silence,
            )
        return alive

    async def try_lock(self, lane: int) -> bool:
        """Become the owner of a lane if it has none."""
        async with self.connection() as connection:
            return bool(await connection.fetchval(self._try_lock, lane))

    async def unlock(self, lane: int) -> None:
        """Give a lane up."""
        async with self.connection() as connection:
            await connection.fetchval(self._unlock, lane)

    async def leave(self) -> None:
        """Sign off, so that the others share the lanes without waiting.

        Raises:
            LaneLostError: it cannot be said, or not in two seconds.
        """
        async with self.connection() as connection:
            await connection.execute(
                self._leave, self._settings.instance_id, timeout=_LEAVE_SECONDS
            )

    async def close(self) -> None:
        """End the session and release every lock."""
        await close_session(self._connection)
