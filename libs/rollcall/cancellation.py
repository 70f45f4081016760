"""Ending tasks although a library on their stack may swallow a cancellation.

aiokafka suppresses CancelledError while it waits for the end of tasks of its own: a caller that is
cancelled just then goes on as if nothing had happened.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_AGAIN_SECONDS = 3.0


async def apart(work: Coroutine[Any, Any, T]) -> T:
    """Await `work` in a task of its own: a cancellation meant for the caller reaches the caller.

    The work then goes on to its end by itself; it must have a bound.
    """
    return await asyncio.shield(asyncio.ensure_future(work))


async def end(task: asyncio.Task[Any], again_seconds: float = _AGAIN_SECONDS) -> None:
    """Cancel a task and return once it has ended; whoever swallows that is cancelled again."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=again_seconds)
