"""A client of several instances that chooses, for each request, the one to ask."""

import itertools
import random
from collections.abc import Sequence
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

import httpx

from rollcall_cluster.local.errors import ClusterError

_TIMEOUT_SECONDS = 10.0


class Strategy(StrEnum):
    """Whom to ask.

    round_robin: one after the other. random: anyone. first_healthy: the first that is ready. sticky: for
    one `key`, always the same while the instances stay the same.
    """

    ROUND_ROBIN = "round_robin"
    RANDOM = "random"
    FIRST_HEALTHY = "first_healthy"
    STICKY = "sticky"


class ClusterClient:
    """Asks instances by a strategy; one that cannot be reached passes the request to the next."""

    def __init__(
        self,
        urls: Sequence[str],
        strategy: Strategy = Strategy.ROUND_ROBIN,
        seed: int | None = None,
    ) -> None:
        if not urls:
            raise ClusterError("there is no instance to ask", "start some: `rollcall up`")
        self.urls = tuple(urls)
        self.strategy = strategy
        self._turns = itertools.count()
        self._random = random.Random(seed)  # noqa: S311 - choosing an instance is no secret
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, *, key: str = "") -> httpx.Response:
        """GET from the chosen instance, else from the next that can be reached.

        Raises:
            ClusterError: none can.
        """
        for url in await self._order(key):
            try:
                return await self._http.get(url + path)
            except httpx.TransportError:
                continue
        raise ClusterError(f"none of {', '.join(self.urls)} answers", "`rollcall status` says why")

    async def get_from_each(self, path: str) -> dict[str, httpx.Response]:
        """GET from every instance, by URL.

        Raises:
            httpx.TransportError: one cannot be reached.
        """
        return {url: await self._http.get(url + path) for url in self.urls}

    async def is_ready(self, url: str) -> bool:
        """Whether that instance says that it makes progress."""
        try:
            return (await self._http.get(f"{url}/healthz/ready")).status_code == 200
        except httpx.TransportError:
            return False

    async def instances(self) -> list[dict[str, Any]]:
        """What every instance says of itself."""
        return [answer.json() for answer in (await self.get_from_each("/v1/instance")).values()]

    async def _order(self, key: str) -> list[str]:
        """All instances, the chosen one first."""
        first = await self._chosen(key)
        return [*self.urls[first:], *self.urls[:first]]

    async def _chosen(self, key: str) -> int:
        count = len(self.urls)
        match self.strategy:
            case Strategy.ROUND_ROBIN:
                return next(self._turns) % count
            case Strategy.RANDOM:
                return self._random.randrange(count)
            case Strategy.STICKY:
                return random.Random(key).randrange(count)  # noqa: S311 - a hash that stays
            case Strategy.FIRST_HEALTHY:
                for index, url in enumerate(self.urls):
                    if await self.is_ready(url):
                        return index
                return 0
