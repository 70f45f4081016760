"""Stops what fails again and again, also when each attempt takes the process with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rollcall.coordination.keys import Keys
from rollcall.coordination.server import DELETE, RedisServer, Script
from rollcall.errors import CoordinationUnavailableError, FailureLimitError

# Not asked again without an answer: a second count would be one attempt too many.
_COUNT = Script("count.lua", repeatable=False)
_UNCOUNT = Script("uncount.lua", repeatable=False)


class FailureCounter:
    """Counts attempts before they are made and forgets them after a success.

    A count is lost with the data of Redis: a crash loop then gets that many attempts once more. An
    answer that is lost may have been counted: a limit is then reached one attempt early.

    Args:
        name: of the counter; `limit` is the most attempts for one item.
        forget_seconds: after so long without an attempt an item starts anew.
    """

    def __init__(
        self, server: RedisServer, keys: Keys, name: str, *, limit: int, forget_seconds: float
    ) -> None:
        if limit < 1:
            raise ValueError(f"a limit of {limit} attempts allows none")
        self._server = server
        self._keys = keys
        self._kind = f"failures:{name}"
        self._limit = limit
        self._forget_ms = int(forget_seconds * 1000)

    @asynccontextmanager
    async def attempt(self, item: str) -> AsyncIterator[int]:
        """Count an attempt, make it in the block, and forget all if it succeeds; gives its number.

        A cancelled attempt is taken back: it says nothing about the item.

        Raises:
            FailureLimitError: as many attempts were made as are allowed; the block is not entered.
            CoordinationUnavailableError: Redis does not answer; the block is not entered.
        """
        number = await self.count(item)
        try:
            yield number
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.ensure_future(self._take_back(item)))
            raise
        await self.forget(item)

    async def count(self, item: str) -> int:
        """Count one attempt, before it is made; returns its number, from 1.

        Raises:
            FailureLimitError, CoordinationUnavailableError: as `attempt`.
        """
        number: int = await self._server.run(
            _COUNT, [self._keys.of(self._kind, item)], self._limit, self._forget_ms
        )
        if number < 0:
            raise FailureLimitError(
                f"{item!r} was tried {-number} times without success; at most {self._limit} are made"
            )
        return number

    async def made(self, item: str) -> int:
        """Attempts that count now."""
        return int(await self._server.command("GET", self._keys.of(self._kind, item)) or 0)

    async def forget(self, item: str) -> None:
        """Start anew, after a success or an operator's decision. Nothing is lost if Redis is away."""
        try:
            await self._server.run(DELETE, [self._keys.of(self._kind, item)])
        except CoordinationUnavailableError:
            return  # the next attempts begin at a higher number, and the count is forgotten in time

    async def _take_back(self, item: str) -> None:
        try:
            await self._server.run(_UNCOUNT, [self._keys.of(self._kind, item)])
        except CoordinationUnavailableError:
            return
