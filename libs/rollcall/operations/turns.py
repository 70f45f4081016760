"""Orders of operators take turns, so that however many there are, they hold one connection at most."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rollcall.errors import OperatorBusyError

_WAIT_SECONDS = 5.0


class Turns:
    """Lets one order at a time go on."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def next(self) -> AsyncIterator[None]:
        """Go on once every order before this one is done.

        Raises:
            OperatorBusyError: that takes longer than 5 s.
        """
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._lock.acquire()
        except TimeoutError:
            raise OperatorBusyError("another order is under way here; try again") from None
        try:
            yield
        finally:
            self._lock.release()
