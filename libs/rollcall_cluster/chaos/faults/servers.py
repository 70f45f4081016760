"""Our own servers crash, and pause."""

import asyncio
import os
import signal
import time
from contextlib import suppress

import psutil

from rollcall_cluster.chaos.arena import Arena
from rollcall_cluster.chaos.faults.base import Fault
from rollcall_cluster.embedded import EmbeddedServer

_GONE_SECONDS = 20.0
_POLL_SECONDS = 0.02


class _Crash(Fault):
    server: str

    async def inflict(self, arena: Arena) -> None:
        """SIGKILL it with all its processes."""
        await asyncio.to_thread(arena.server(self.server).kill)

    async def heal(self, arena: Arena) -> None:
        """Start it; it recovers what it had."""
        await asyncio.to_thread(_start, arena.server(self.server))


class _Pause(Fault):
    server: str

    async def inflict(self, arena: Arena) -> None:
        """SIGSTOP all its processes, none of which can notice."""
        self.detail = f"for {self.hold_seconds:.0f} s"
        _signal_tree(arena.server(self.server), signal.SIGSTOP)

    async def heal(self, arena: Arena) -> None:
        """SIGCONT."""
        _signal_tree(arena.server(self.server), signal.SIGCONT)


class KafkaCrash(_Crash):
    """The only broker is gone with whatever it had not written."""

    name = "kafka-crash"
    summary = "SIGKILL of the broker, which is started again"
    breaks = frozenset({"kafka"})
    server = "kafka"


class KafkaPause(_Pause):
    """Longer than every request timeout."""

    name = "kafka-pause"
    summary = "the broker is paused for 30 s"
    weight = 1
    breaks = frozenset({"kafka"})
    server = "kafka"
    hold_seconds = 30.0


class PostgresCrash(_Crash):
    """Crash recovery from the log."""

    name = "postgres-crash"
    summary = "immediate shutdown (SIGQUIT) of PostgreSQL, which is started again"
    breaks = frozenset({"postgres"})
    server = "postgres"

    async def inflict(self, arena: Arena) -> None:
        """What `pg_ctl stop -m immediate` does."""
        await asyncio.to_thread(_quit, arena.server(self.server))


class PostgresKill(_Crash):
    """Harder than an immediate shutdown: not even the children are told."""

    name = "postgres-kill"
    summary = "SIGKILL of every process of PostgreSQL, which is started again"
    weight = 1
    breaks = frozenset({"postgres"})
    server = "postgres"


class PostgresPause(_Pause):
    """Connections stay, answers do not come."""

    name = "postgres-pause"
    summary = "every process of PostgreSQL is paused for 8 s"
    breaks = frozenset({"postgres"})
    server = "postgres"
    hold_seconds = 8.0


class RedisCrash(_Crash):
    """Nothing may depend on it."""

    name = "redis-crash"
    summary = "SIGKILL of Redis, which is started again 3 s later"
    weight = 1
    breaks = frozenset({"redis"})
    server = "redis"
    hold_seconds = 3.0


class RedisPause(_Pause):
    """Nothing may wait for it."""

    name = "redis-pause"
    summary = "Redis is paused for 5 s"
    weight = 1
    breaks = frozenset({"redis"})
    server = "redis"
    hold_seconds = 5.0


class RedisFlush(Fault):
    """Nothing may be remembered there alone."""

    name = "redis-flush"
    summary = "FLUSHALL"
    weight = 1
    breaks = frozenset({"redis"})

    async def inflict(self, arena: Arena) -> None:
        """Forget everything."""
        from redis.asyncio import Redis

        async with Redis.from_url(arena.servers.redis.address, socket_timeout=5) as client:
            await client.flushall()


def _start(server: EmbeddedServer) -> None:
    port = server.port
    server.start(owner_pid=os.getpid())
    if server.port != port:
        raise RuntimeError(f"{server.name} came back on port {server.port} instead of {port}")


def _quit(server: EmbeddedServer) -> None:
    """Immediate shutdown; returns when it is gone, after 20 s by force."""
    if (pid := server.pid) is None:
        return
    os.kill(pid, signal.SIGQUIT)
    deadline = time.monotonic() + _GONE_SECONDS
    while server.pid is not None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    server.kill()


def _signal_tree(server: EmbeddedServer, number: signal.Signals) -> None:
    if (pid := server.pid) is None:
        return
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        # Stop the parent first and continue it last: it must not see its children stop.
        tree = [parent, *parent.children(recursive=True)]
        for process in tree if number is signal.SIGSTOP else reversed(tree):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
