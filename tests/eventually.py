"""Waiting for a condition instead of sleeping."""

import asyncio
import inspect
import os
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_VARIABLE = "ROLLCALL_TESTS_DEADLINE_SECONDS"
DEADLINE_SECONDS = float(os.environ.get(DEADLINE_VARIABLE, "90"))
"""How long anything may take on a machine that is busy with other things. Conditions that are met end
a wait at once, so only a failure costs it."""


async def eventually(
    condition: Callable[[], T | Awaitable[T]],
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
    poll_seconds: float = 0.05,
    message: str | Callable[[], str] = "",
) -> T:
    """Poll a condition, plain or async, until it is true; return its value.

    AssertionError in the condition counts as "not yet". At the deadline, raises AssertionError
    with the last of those, or with the last value that was not true. A message that only the
    deadline makes, such as the end of a log, is given as a function.
    """
    deadline = time.monotonic() + deadline_seconds
    while True:
        try:
            outcome = condition()
            value = await outcome if inspect.isawaitable(outcome) else outcome
            seen: object = value
            if value:
                return value
        except AssertionError as error:
            seen = error
        if time.monotonic() >= deadline:
            what = message if isinstance(message, str) else message()
            raise AssertionError(
                f"{what or 'condition'} not met within {deadline_seconds:g} s; last: {seen!r}"
            )
        await asyncio.sleep(poll_seconds)
