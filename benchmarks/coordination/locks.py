"""Locks beside redis-py's own: alone, and with many who want the same one."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import quantiles

from redis.asyncio import BlockingConnectionPool, Redis

from rollcall.coordination import Coordination

_LEASE_SECONDS = 30.0
_WAIT_SECONDS = 120.0

Seconds = list[float]
Pair = Callable[[], Awaitable[None]]


def percentile_ms(seconds: Seconds, percent: int) -> float:
    """A percentile, in milliseconds."""
    return quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000


async def pairs_per_second(pair: Pair, count: int) -> float:
    """Acquire and release, one pair after the other."""
    began = time.perf_counter()
    for _ in range(count):
        await pair()
    return count / (time.perf_counter() - began)


def ours(program: Coordination, name: str) -> Pair:
    """A pair with a fencing number, extension and cancellation."""

    async def pair() -> None:
        async with program.lock(name, lease_seconds=_LEASE_SECONDS):
            pass

    return pair


def redis_py(client: Redis, name: str) -> Pair:
    """The client's own lock, with a lease and without a fencing number."""

    async def pair() -> None:
        async with client.lock(name, timeout=_LEASE_SECONDS):
            pass

    return pair


class Contention:
    """Contenders for one lock, and when it changed hands."""

    def __init__(self) -> None:
        self.hand_overs: Seconds = []
        self._released = 0.0

    async def ours(self, program: Coordination, contenders: int, turns: int) -> float:
        """Pairs a second."""

        async def contender() -> None:
            for _ in range(turns):
                async with program.lock(
                    "contended", lease_seconds=_LEASE_SECONDS, wait_seconds=_WAIT_SECONDS
                ):
                    self._acquired()
                    await asyncio.sleep(0)
                    self._released = time.perf_counter()

        return await self._rate(contender, contenders, turns)

    async def redis_py(self, client: Redis, contenders: int, turns: int) -> float:
        """Pairs a second."""

        async def contender() -> None:
            for _ in range(turns):
                async with client.lock(
                    "contended by redis-py",
                    timeout=_LEASE_SECONDS,
                    blocking_timeout=_WAIT_SECONDS,
                ):
                    self._acquired()
                    await asyncio.sleep(0)
                    self._released = time.perf_counter()

        return await self._rate(contender, contenders, turns)

    def _acquired(self) -> None:
        if self._released:
            self.hand_overs.append(time.perf_counter() - self._released)

    async def _rate(
        self, contender: Callable[[], Awaitable[None]], contenders: int, turns: int
    ) -> float:
        began = time.perf_counter()
        await asyncio.gather(*(contender() for _ in range(contenders)))
        return contenders * turns / (time.perf_counter() - began)


def peer(url: str, connections: int) -> Redis:
    """redis-py as its documentation has it, with as many connections as ours."""
    pool = BlockingConnectionPool.from_url(url, max_connections=connections, timeout=_WAIT_SECONDS)
    return Redis(connection_pool=pool)
