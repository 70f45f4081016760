"""The one object that a program makes: its way to Redis, and everything that goes it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from rollcall.coordination.cached_reads import CachedReads
from rollcall.coordination.failure_counter import FailureCounter
from rollcall.coordination.fencing import Acquiring, Fences
from rollcall.coordination.hold import LockKeys
from rollcall.coordination.idempotency_filter import IdempotencyFilter
from rollcall.coordination.keys import Keys
from rollcall.coordination.lock import Lock, LockParts
from rollcall.coordination.server import RedisServer
from rollcall.coordination.slot_pool import SlotPool
from rollcall.coordination.state_store import StateStore
from rollcall.coordination.wakeups import Wakeups
from rollcall.telemetry.coordination_metrics import CoordinationMetrics

M = TypeVar("M", bound=BaseModel)


class Coordination:
    """Locks, filters, counters and states in one Redis, under one prefix.

    Args:
        url: address of Redis, see `rollcall.coordination.topology`.
        database: where fencing epochs are drawn and fences stand; its schema is migrated.
        prefix: before every key and channel; deployments that share a Redis need one each.
        answer_seconds: longest wait for one answer of Redis.
        connections: most connections at a time, without the one that listens.
        registry: where metrics go; one of its own if not given.
    """

    def __init__(
        self,
        url: str,
        database: Acquiring,
        *,
        prefix: str = "rollcall",
        answer_seconds: float = 1.0,
        connections: int = 16,
        registry: CollectorRegistry | None = None,
    ) -> None:
        server = RedisServer(url, answer_seconds=answer_seconds, connections=connections)
        self._build(server, database, prefix, registry or CollectorRegistry())

    @classmethod
    def on(
        cls,
        server: RedisServer,
        database: Acquiring,
        prefix: str = "rollcall",
        registry: CollectorRegistry | None = None,
    ) -> Self:
        """The same on a server that the caller has made."""
        coordination = cls.__new__(cls)
        coordination._build(server, database, prefix, registry or CollectorRegistry())
        return coordination

    def _build(
        self, server: RedisServer, database: Acquiring, prefix: str, registry: CollectorRegistry
    ) -> None:
        self.server = server
        self.metrics = CoordinationMetrics(registry)
        server.metrics = self.metrics
        self.keys = Keys(prefix)
        self._wakeups = Wakeups(self.server, self.keys)
        self._background: set[asyncio.Task[Any]] = set()
        self._lock_parts = LockParts(
            self.server, Fences(database), self._wakeups, self.metrics, self._background
        )

    def lock(
        self,
        name: str,
        *,
        lease_seconds: float = 10.0,
        wait_seconds: float = 10.0,
        extend: bool = True,
    ) -> Lock:
        """A lock by name, see `Lock`."""
        return Lock(
            self._lock_parts,
            LockKeys.of(self.keys, name),
            lease_seconds=lease_seconds,
            wait_seconds=wait_seconds,
            extend=extend,
        )

    def idempotency_filter(
        self, name: str, *, keep_seconds: float = 86_400, max_ids: int = 500_000
    ) -> IdempotencyFilter:
        """Marks of what is committed, see `IdempotencyFilter`."""
        return IdempotencyFilter(
            self.server, self.keys, name, keep_seconds=keep_seconds, max_ids=max_ids
        )

    def failure_counter(
        self, name: str, *, limit: int, forget_seconds: float = 86_400
    ) -> FailureCounter:
        """Attempts before they are made, see `FailureCounter`."""
        return FailureCounter(
            self.server, self.keys, name, limit=limit, forget_seconds=forget_seconds
        )

    def state_store(
        self,
        name: str,
        model: type[M],
        *,
        keep_seconds: float = 7 * 86_400,
        max_bytes: int = 8 * 2**20,
    ) -> StateStore[M]:
        """States of one model by id, see `StateStore`."""
        return StateStore(
            self.server,
            self.keys,
            self.metrics,
            name,
            model,
            keep_seconds=keep_seconds,
            max_bytes=max_bytes,
        )

    def slot_pool(self, name: str) -> SlotPool:
        """Members for owners, see `SlotPool`."""
        return SlotPool(self.server, self.keys, name)

    def cached_reads(
        self,
        name: str,
        model: type[M],
        load: Callable[[str], Awaitable[M | None]],
        *,
        keep_seconds: float = 60.0,
        budget_seconds: float = 0.05,
    ) -> CachedReads[M]:
        """Reads that may be a little old, see `CachedReads`."""
        return CachedReads(
            self.server,
            self.keys,
            name,
            model,
            load,
            keep_seconds=keep_seconds,
            budget_seconds=budget_seconds,
        )

    async def close(self) -> None:
        """Finish what was begun, then close every connection. What is held stays until its lease ends."""
        if self._background:
            await asyncio.wait(self._background, timeout=self.server.answer_seconds * 2)
        await self._wakeups.close()
        await self.server.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
