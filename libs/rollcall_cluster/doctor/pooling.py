"""Finds a proxy that pools transactions or statements: the lanes' advisory locks need sessions."""

from contextlib import AsyncExitStack
from typing import Any

import asyncpg

from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall.database.pool import close_session, connect_session

_RIVALS = 4
_PID = "SELECT pg_backend_pid()"


async def shares_sessions(settings: EssayLifecycleSettings, connection: Any) -> bool:
    """Whether a session that served `connection` serves another client while that is connected.

    A pool gives the session that was used last to whoever asks next. Rivals hold a transaction each,
    so one of them has it soon, unless every client has a session of its own.
    """
    served = {await connection.fetchval(_PID)}
    async with AsyncExitStack() as scope:
        for _ in range(_RIVALS):
            rival = await connect_session(settings, settings.lane_session_timeout_seconds)
            scope.push_async_callback(close_session, rival)
            try:
                transaction = rival.transaction(readonly=True)
                await transaction.start()
                if await rival.fetchval(_PID) in served:
                    return True
                served.add(await connection.fetchval(_PID))
            except asyncpg.PostgresError:
                return True  # statements are pooled: such a proxy refuses transactions
            if len(served) > 1:
                return True
    return False
