"""Publishes outbox rows and marks them sent. A relay that dies in between publishes them again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.peers import store

_RELAY_BATCH = 500
_RELAY_PAUSE_SECONDS = 0.05

Send = Callable[[str, bytes, bytes], Awaitable[Awaitable[Any]]]
"""Hand a record (topic, key, value) to a producer; returns its delivery, to be awaited later."""


class OutboxRelay:
    """Publishes what the outbox holds; several may run, each takes rows that no other holds."""

    def __init__(self, pool: Any, send: Send) -> None:
        self._pool = pool
        self._send = send
        self.wake = asyncio.Event()

    async def run(self) -> None:
        """Publish for ever."""
        while True:
            self.wake.clear()
            if not await self._publish_some():
                try:
                    await asyncio.wait_for(self.wake.wait(), _RELAY_PAUSE_SECONDS)
                except TimeoutError:
                    continue

    async def _publish_some(self) -> bool:
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await store.lock_unsent(connection, _RELAY_BATCH)
            if rows:
                deliveries = [
                    await self._send(row["topic"], row["key"], row["value"]) for row in rows
                ]
                await asyncio.gather(*deliveries)
                await store.mark_sent(connection, [row["id"] for row in rows])
        return bool(rows)
