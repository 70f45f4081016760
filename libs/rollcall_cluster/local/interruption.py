"""Ctrl-C that ends what runs although a library on its stack may swallow a cancellation."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from rollcall.cancellation import end

T = TypeVar("T")


def run_until_interrupted(work: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, which cancels once alone.

    Raises:
        KeyboardInterrupt: after SIGINT, once the work has ended.
    """
    task = asyncio.run(_ended_or_interrupted(work))
    if task is None:
        raise KeyboardInterrupt
    return task.result()


async def _ended_or_interrupted(work: Coroutine[Any, Any, T]) -> asyncio.Task[T] | None:
    task = asyncio.ensure_future(work)
    interrupted = asyncio.Event()
    waiting = asyncio.ensure_future(interrupted.wait())
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, interrupted.set)
    try:
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        if not interrupted.is_set():
            return task
        await end(task)
        return None
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        waiting.cancel()
