"""Capped exponential backoff with full jitter."""

import asyncio
import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Delays that double from `first_seconds` up to `cap_seconds`, each drawn from its upper half.

    Source: "Exponential Backoff And Jitter" (AWS Architecture Blog), the equal-jitter variant.
    """

    first_seconds: float = 0.05
    cap_seconds: float = 5.0
    attempts: int = field(default=0, init=False)

    def next_delay_seconds(self) -> float:
        """Count one attempt and return how long to wait before the next."""
        ceiling = min(self.cap_seconds, self.first_seconds * 2.0 ** min(self.attempts, 30))
        self.attempts += 1
        return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret

    def reset(self) -> None:
        """Start again from the shortest delay, after a success."""
        self.attempts = 0

    async def wait(self) -> None:
        """Sleep for the next delay."""
        await asyncio.sleep(self.next_delay_seconds())
