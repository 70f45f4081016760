"""Tells waiters of this process that a lock was handed to them: one subscription for all of them."""

import asyncio
import secrets
from contextlib import suppress
from typing import Any

import structlog
from redis.exceptions import RedisClusterException, RedisError

from rollcall.backoff import Backoff
from rollcall.coordination.broken_writes import is_broken_write
from rollcall.coordination.keys import Keys
from rollcall.coordination.server import RedisServer

log = structlog.get_logger()

_TROUBLE = (OSError, RedisError, RedisClusterException)


class Wakeups:
    """A message may be lost with its connection: whoever waits looks for himself from time to time, too."""

    def __init__(self, server: RedisServer, keys: Keys) -> None:
        self._server = server
        self.channel = keys.channel(secrets.token_hex(6))
        self._waiting: dict[str, asyncio.Event] = {}
        self._listener: asyncio.Task[None] | None = None
        self._subscribed = asyncio.Event()

    async def expect(self, token: str, limit_seconds: float) -> None:
        """Keep messages for `token` from now on; subscribes first, waiting so long for that at most."""
        self._waiting[token] = asyncio.Event()
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen_for_ever(), name="rollcall.wakeups")
        if not self._subscribed.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(limit_seconds):
                    await self._subscribed.wait()

    async def wait(self, token: str, seconds: float) -> None:
        """Wait until the lock is handed to `token`, for so long at most."""
        event = self._waiting[token]
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
        event.clear()

    def forget(self, token: str) -> None:
        """It waits no longer."""
        self._waiting.pop(token, None)

    async def close(self) -> None:
        """End the subscription."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])
            self._listener = None

    async def _listen_for_ever(self) -> None:
        backoff = Backoff(first_seconds=0.05, cap_seconds=1.0)
        while True:
            try:
                await self._listen(backoff)
            except Exception as error:
                if isinstance(error, _TROUBLE) or is_broken_write(error):
                    log.warning("wakeups_interrupted", error=repr(error)[:300])
                else:  # none ends it: without it, each waiter would be left to its own looks
                    log.exception("wakeups_failed")
            await backoff.wait()

    async def _listen(self, backoff: Backoff) -> None:
        subscription: Any = self._server.client.pubsub(ignore_subscribe_messages=False)
        try:
            await subscription.subscribe(self.channel)
            async for message in subscription.listen():
                self._take(message)
                backoff.reset()
        finally:
            self._subscribed.clear()
            with suppress(*_TROUBLE, RuntimeError):
                await subscription.aclose()

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self._subscribed.set()
            for event in self._waiting.values():  # what was sent meanwhile is lost
                event.set()
        elif message["type"] == "message":
            token = message["data"].decode()
            if token in self._waiting:
                self._waiting[token].set()
