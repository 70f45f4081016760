"""Asks the server what a chunk waits for, once it takes too long."""

from collections.abc import Mapping
from typing import Any

import structlog

from rollcall import ticks
from rollcall.consumer.in_hand import Hand, InHand
from rollcall.database.failures import DATABASE_ERRORS
from rollcall.database.pool import Database
from rollcall.database.queries import load_queries
from rollcall.telemetry.metrics import Metrics

log = structlog.get_logger()

_LOOK_SECONDS = 1.0


class ChunkWatch:
    """Looks at the chunks in hand once a second, on a connection of its own."""

    def __init__(self, database: Database, in_hand: InHand, metrics: Metrics) -> None:
        self._database = database
        self._in_hand = in_hand
        self._metrics = metrics
        (self._query,) = load_queries("rollcall.consumer", "in_hand.sql", "waits_for")

    async def run(self) -> None:
        """Look again and again; the database that does not answer is itself what is waited for."""
        while True:
            await ticks.sleep(_LOOK_SECONDS)
            self._metrics.chunk_age_seconds.set(self._in_hand.age_seconds)
            try:
                for hand in self._in_hand.stuck:
                    await self._ask_for(hand)
            except DATABASE_ERRORS as error:
                log.warning("stuck_chunk_not_explained", error=repr(error)[:500])

    async def _ask_for(self, hand: Hand) -> None:
        if (pid := hand.backend_pid) is None:
            return
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(self._query, pid)
        if row is not None and hand.backend_pid == pid:
            hand.waits_for(explain(row))


def explain(row: Mapping[str, Any]) -> str:
    """Say in words what a session waits for; pure."""
    if row["blocker"] is not None:
        since = f" for {row['blocker_seconds']:.0f} s" if row["blocker_seconds"] else ""
        name = row["blocker_name"] or "another session"
        return f"waits for a lock of {name} (pid {row['blocker']}, {row['blocker_state']}{since})"
    if row["state"] == "active" and row["wait_event"]:
        return f"the server waits for {row['wait_event_type']}/{row['wait_event']}"
    if row["state"] == "active":
        return "the server computes"
    return "the server waits for this instance: a handler computes, or waits for something else"
