"""What can befall a Redis that goes on living, and its end."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from tests.coordination.own_servers import OwnRedis

Trouble = Callable[[OwnRedis], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def _down(redis: OwnRedis) -> AsyncIterator[None]:
    redis.kill()
    yield
    redis.start()


@asynccontextmanager
async def _slow(redis: OwnRedis) -> AsyncIterator[None]:
    redis.freeze()
    yield
    redis.thaw()


@asynccontextmanager
async def _read_only(redis: OwnRedis) -> AsyncIterator[None]:
    await redis.ask("REPLICAOF", "127.0.0.1", "1")
    yield
    await redis.ask("REPLICAOF", "NO", "ONE")


@asynccontextmanager
async def out_of_memory(redis: OwnRedis) -> AsyncIterator[None]:
    """Nothing more is kept."""
    await redis.ask("CONFIG", "SET", "maxmemory", "1")
    yield
    await redis.ask("CONFIG", "SET", "maxmemory", "0")


TROUBLES: dict[str, Trouble] = {
    "down": _down,
    "slow": _slow,
    "read-only": _read_only,
    "out of memory": out_of_memory,
}
