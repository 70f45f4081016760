"""The way to Redis: one connection string for every topology, Lua scripts by name, every wait bounded."""

import asyncio
import secrets
import ssl
import time
from collections.abc import Sequence
from hashlib import sha1
from importlib import resources
from itertools import count
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    NoScriptError,
    RedisClusterException,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as BrokenConnectionError

from rollcall.access.tls import certificate_refusal, find_tls_error
from rollcall.coordination.broken_writes import is_broken_write
from rollcall.coordination.connections import Connections
from rollcall.coordination.topology import connect
from rollcall.errors import (
    ConfigurationError,
    CoordinationError,
    CoordinationUnavailableError,
)
from rollcall.telemetry.coordination_metrics import CoordinationMetrics

_NO_ANSWER = (OSError, RedisError, RedisClusterException)
# Replies that say something about what was asked, by their first word; all others speak of the server.
_WRONG_QUESTIONS = ("WRONGTYPE", "ERR", "CROSSSLOT", "NOAUTH", "WRONGPASS")

LATE_MS = 10_000
"""A request may be on its way for so long after it was given up."""


class Script:
    """A Lua script from a file of this package."""

    def __init__(self, file_name: str, *, repeatable: bool, in_order: bool = False) -> None:
        """What is true of it.

        Args:
            repeatable: to run it twice is the same as to run it once, so a lost answer is asked for again.
            in_order: but not to run it again later, after others: a first attempt that arrives
                after its repetition does nothing.
        """
        self.name = file_name.removesuffix(".lua")
        names = ("in_order.lua", file_name) if in_order else (file_name,)
        files = resources.files(__package__)
        self.source = "".join((files / name).read_text(encoding="utf-8") for name in names)
        self.sha = sha1(self.source.encode(), usedforsecurity=False).hexdigest()
        self.repeatable = repeatable
        self.in_order = in_order


DELETE = Script("delete.lua", repeatable=True, in_order=True)


class RedisServer:
    """Redis as a single server, behind Sentinel, or as a Cluster.

    Args:
        url: see `rollcall.coordination.topology`.
        answer_seconds: longest wait for a connection and for one answer.
        connections: most connections at a time; more callers take turns.
    """

    def __init__(self, url: str, *, answer_seconds: float = 1.0, connections: int = 16) -> None:
        self.answer_seconds = answer_seconds
        self.client: Redis | RedisCluster = connect(url, answer_seconds)
        self.metrics: CoordinationMetrics | None = None
        self._turns = asyncio.Semaphore(connections)
        self._id = secrets.token_hex(8)
        self._requests = count()
        self._connections = (
            Connections(self.client, answer_seconds) if isinstance(self.client, Redis) else None
        )

    async def run(self, script: Script, keys: Sequence[str], *arguments: Any) -> Any:
        """Run a script on keys of one hash slot.

        Raises:
            CoordinationUnavailableError: no answer in time, even when asked again if it may be.
        """
        first = again = arguments
        if script.in_order:
            keys = (*keys, f"{keys[0]}:repeated:{self._id}:{next(self._requests)}")
            first, again = (*arguments, ""), (*arguments, LATE_MS)
        try:
            return await self._evaluate(script, keys, first)
        except CoordinationUnavailableError:
            if not script.repeatable:
                raise
        return await self._evaluate(script, keys, again)

    async def run_once(self, script: Script, keys: Sequence[str], *arguments: Any) -> Any:
        """The same with a single attempt, of a script that may be late."""
        assert not script.in_order
        return await self._evaluate(script, keys, arguments)

    async def command(self, *words: Any) -> Any:
        """Send a command that may be sent twice, and late: one that reads.

        Raises:
            CoordinationUnavailableError: no answer in time, even when asked again.
        """
        try:
            return await self._timed(words[0].lower(), words)
        except CoordinationUnavailableError:  # a pooled connection may have been closed long ago
            return await self._timed(words[0].lower(), words)

    async def _evaluate(self, script: Script, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        words = (len(keys), *keys, *arguments)
        try:
            return await self._timed(script.name, ("EVALSHA", script.sha, *words))
        except NoScriptError:
            return await self._timed(script.name, ("EVAL", script.source, *words))

    async def _timed(self, operation: str, words: Sequence[Any]) -> Any:
        """Ask, and tell how long the answer took. `operation`: from a closed set, for it is a label."""
        started = time.perf_counter()
        try:
            answer = await self._answer(words)
        except CoordinationUnavailableError:
            if self.metrics:
                self.metrics.redis_failed(operation, time.perf_counter() - started)
            raise
        if self.metrics:
            self.metrics.redis_answered(operation, time.perf_counter() - started)
        return answer

    async def _answer(self, words: Sequence[Any]) -> Any:
        try:
            async with self._turns, asyncio.timeout(self.answer_seconds):
                return await self._ask(words)
        except NoScriptError:
            raise
        except NoPermissionError as error:
            raise ConfigurationError(f"Redis user lacks a permission: {error}") from error
        except ResponseError as error:
            if str(error).startswith(_WRONG_QUESTIONS):
                raise CoordinationError(f"Redis cannot do that: {error}") from error
            raise CoordinationUnavailableError(f"Redis refused: {error}") from error
        except _NO_ANSWER as error:
            reason = f"{type(error).__name__}: {error}"[:300]
            raise CoordinationUnavailableError(
                f"no answer from Redis: {reason}{_what_to_check(error)}"
            ) from error

    async def _ask(self, words: Sequence[Any]) -> Any:
        try:
            if self._connections is not None:
                return await self._connections.ask(words)
            return await self.client.execute_command(*words)
        except (RuntimeError, AttributeError) as error:
            if not is_broken_write(error):
                raise
            raise BrokenConnectionError(f"broken connection: {error}") from error

    async def close(self) -> None:
        """Close every connection."""
        if self._connections is not None:
            await self._connections.close()
        if isinstance(self.client, Redis):  # it forgets the Sentinels that it asked
            manager = getattr(self.client.connection_pool, "sentinel_manager", None)
            for sentinel in manager.sentinels if manager else ():
                await sentinel.aclose()
        await self.client.aclose()


def _what_to_check(error: BaseException) -> str:
    """What waiting does not mend, told from a Redis that is away."""
    if isinstance(error, AuthenticationError):
        return "; check user and password in ROLLCALL_REDIS_URL, and the server's ACL"
    if isinstance(tls := find_tls_error(error), ssl.SSLCertVerificationError):
        refused = certificate_refusal(tls, "ssl_ca_certs and the host in ROLLCALL_REDIS_URL")
        return f"; it {refused}"
    if tls is not None:
        return "; check redis:// or rediss:// and the port in ROLLCALL_REDIS_URL, and ssl_certfile"
    return ""
