"""Regular looks of one process happen together: a process that has nothing to do wakes up less often.

Waking up costs an idle replica more than what it looks at: caches are cold each time. So what is done
every second, or twice a second, is done at the same moments. Those of two processes differ.
"""

import asyncio
from collections.abc import Callable
from random import SystemRandom
from time import monotonic

TICK_SECONDS = 0.5
# A timer may fire a moment early; the tick that it was meant for counts as over then.
_EARLY_SECONDS = 0.01
_PHASE_SECONDS = SystemRandom().uniform(0, TICK_SECONDS)


async def sleep(seconds: float) -> None:
    """Sleep until the last tick within so many seconds; shorter than a tick, sleep just as long."""
    await asyncio.sleep(seconds_until_tick(seconds))


def seconds_until_tick(seconds: float, clock: Callable[[], float] = monotonic) -> float:
    """How long that is: up to a tick less than `seconds`, and a hundredth of a second more at most."""
    if seconds < TICK_SECONDS:
        return seconds
    since_a_tick = clock() + _PHASE_SECONDS
    return (since_a_tick + seconds + _EARLY_SECONDS) // TICK_SECONDS * TICK_SECONDS - since_a_tick
