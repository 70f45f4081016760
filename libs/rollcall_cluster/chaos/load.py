"""Continuous load: the generator's mixed profile, half of it keyed by batch, half without keys."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count

from rollcall_cluster.chaos.world import World
from rollcall_cluster.generator import PROFILES, CannotProduceError, KeyStrategy, Plan, generate

_KEYS = (KeyStrategy.BATCH, KeyStrategy.NONE)
_SLOTS = 40
_IN_FLIGHT = 60
_BATCHES = 10_000_000  # never reached
_STOP_SECONDS = 60.0
_PAUSE_SECONDS = 0.5


class Load:
    """Sends `rate` records a second until stopped, whatever happens to Kafka meanwhile.

    A generator that Kafka has refused for too long begins a new plan: its batches stay open, as those
    of a crashed upstream do.
    """

    def __init__(self, world: World, rate: float, seed: int) -> None:
        self.failures = 0
        """How often a generator gave up and began anew."""
        self._world = world
        self._rate = rate / len(_KEYS)
        self._seeds = count(seed * 1_000)
        self._stop = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Generate in the background; at the end, wait until Kafka has what was sent."""
        tasks = [asyncio.create_task(self._generate(key), name=f"load-{key}") for key in _KEYS]
        try:
            yield
            self._stop.set()
            async with asyncio.timeout(_STOP_SECONDS):
                await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError, CannotProduceError):
                    await task

    async def burst(self, records_seconds: float, malformed: float) -> None:
        """Send for so long a stream in which so large a share is malformed or oversized."""
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(records_seconds, stop.set)
        plan = self._plan(KeyStrategy.FILE, malformed=malformed)
        await generate(plan, self._world.brokers, topic_prefix=self._world.topic_prefix, stop=stop)

    async def _generate(self, key: KeyStrategy) -> None:
        while not self._stop.is_set():
            try:
                await generate(
                    self._plan(key),
                    self._world.brokers,
                    topic_prefix=self._world.topic_prefix,
                    stop=self._stop,
                )
            except CannotProduceError:
                self.failures += 1
                await asyncio.sleep(_PAUSE_SECONDS)

    def _plan(self, key: KeyStrategy, **knobs: float) -> Plan:
        settings = {
            **PROFILES["mixed"],
            "seed": next(self._seeds),
            "batches": _BATCHES,
            "slots": _SLOTS,
            "batches_in_flight": _IN_FLIGHT,
            "rate": self._rate,
            "key": key,
            **knobs,
        }
        return Plan(**settings)
