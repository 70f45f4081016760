"""Reads that may be a little old, kept in Redis; without Redis, they are read where the truth is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from rollcall.coordination.circuit import Circuit
from rollcall.coordination.keys import Keys
from rollcall.coordination.server import RedisServer, Script
from rollcall.errors import CoordinationUnavailableError

_KEEP = Script("keep.lua", repeatable=True)
_INVALIDATE = Script("invalidate.lua", repeatable=True)
_NO_GENERATION = b"0"

M = TypeVar("M", bound=BaseModel)


class CachedReads(Generic[M]):
    """Values of one model by id, read by `load` and kept for `keep_seconds`.

    `invalidate` after the commit that changes a value. If Redis is away just then, the old value may be
    read for up to `keep_seconds`: cache only what may be that old. Readers of one process that miss the
    same value at the same time load it once.
    """

    def __init__(
        self,
        server: RedisServer,
        keys: Keys,
        name: str,
        model: type[M],
        load: Callable[[str], Awaitable[M | None]],
        *,
        keep_seconds: float,
        budget_seconds: float,
    ) -> None:
        self._server = server
        self._keys = keys
        self._name = name
        self._model = model
        self._load = load
        self._keep_ms = int(keep_seconds * 1000)
        self._circuit = Circuit(budget_seconds)
        self._loading: dict[str, asyncio.Task[M | None]] = {}

    async def get(self, id_: str) -> M | None:
        """The value, from Redis if it is there, else loaded; None is not kept.

        Raises:
            Whatever `load` raises; never an error of Redis.
        """
        found = await self._circuit.within_budget(
            self._server.command("MGET", self._key(id_), self._generation_key(id_))
        )
        body, generation = found or (None, None)
        if body is not None:
            try:
                return self._model.model_validate_json(body)
            except ValidationError:
                pass  # of another release, or damaged: loaded and replaced
        task = self._loading.get(id_)
        if task is None:
            known = None if found is None else generation or _NO_GENERATION
            task = asyncio.ensure_future(self._load_and_keep(id_, known))
            self._loading[id_] = task
            task.add_done_callback(lambda done: self._loaded(id_, done))
        return await asyncio.shield(task)

    async def invalidate(self, id_: str) -> bool:
        """Forget a value; also what is being loaded just now is not kept. False if Redis is away."""
        self._loading.pop(id_, None)
        try:
            await self._server.run(
                _INVALIDATE, [self._key(id_), self._generation_key(id_)], self._keep_ms
            )
        except CoordinationUnavailableError:
            return False
        return True

    async def _load_and_keep(self, id_: str, generation: bytes | None) -> M | None:
        value = await self._load(id_)
        if value is not None and generation is not None:
            await self._circuit.within_budget(
                self._server.run(
                    _KEEP,
                    [self._key(id_), self._generation_key(id_)],
                    generation,
                    value.model_dump_json().encode(),
                    self._keep_ms,
                )
            )
        return value

    def _loaded(self, id_: str, task: asyncio.Task[M | None]) -> None:
        if self._loading.get(id_) is task:
            del self._loading[id_]

    def _key(self, id_: str) -> str:
        return self._keys.of(f"cache:{self._name}", id_)

    def _generation_key(self, id_: str) -> str:
        return self._keys.of(f"generation:{self._name}", id_)
