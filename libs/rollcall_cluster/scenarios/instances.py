"""The instances of a deployment as HTTP shows them: each by itself, or behind a load balancer."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families

from rollcall_cluster.local.errors import ClusterError

_TIMEOUT_SECONDS = 10.0
_LOOKS_WITHOUT_NEWS = 12
"""Through a load balancer: after so many answers in a row of instances that are known, all are known."""

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class InstanceView:
    """What an instance says of itself."""

    instance_id: str
    ready: bool
    partitions: Mapping[Partition, int]
    lanes: Sequence[int]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Sum (in the metric's unit) and number of all observations so far."""

    total: float
    count: float

    def since(self, earlier: "Histogram") -> "Histogram":
        """What was observed since then."""
        return Histogram(self.total - earlier.total, self.count - earlier.count)

    @property
    def mean(self) -> float | None:
        """Of all observations; none without any."""
        return self.total / self.count if self.count else None


class Instances:
    """Asks every instance; use as an asynchronous context manager.

    A name that stands for several addresses, as a service of Docker's DNS does, is asked at each of
    them. A URL at which different instances answer in turn is a load balancer.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self._given = tuple(urls)
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS)
        self.urls: tuple[str, ...] = ()
        self.count = 0
        self.balanced = False

    async def __aenter__(self) -> "Instances":
        try:
            self.urls = await asyncio.to_thread(_addresses, self._given)
            views = await self.views()
        except BaseException:
            await self._http.aclose()
            raise
        self.count = len(views)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def views(self) -> list[InstanceView]:
        """What every instance says of itself, in order of their names.

        Raises:
            ClusterError: one cannot be reached.
        """
        found = {view.instance_id: view for view in map(_view, await self._each("/v1/instance"))}
        if len(self.urls) == 1:
            quiet = 0
            while quiet < _LOOKS_WITHOUT_NEWS:
                (answer,) = await self._each("/v1/instance")
                view = _view(answer)
                quiet = quiet + 1 if view.instance_id in found else 0
                found[view.instance_id] = view
            self.balanced = len(found) > 1
        return [found[name] for name in sorted(found)]

    async def everywhere(self, path: str) -> list[Any]:
        """The JSON that every instance gives for a path; through a balancer, that of as many turns."""
        if not self.balanced:
            return await self._each(path)
        return [answer for _ in range(2 * self.count) for answer in await self._each(path)]

    async def histograms(self, name: str) -> dict[str, Histogram]:
        """A histogram of each instance by its URL, whatever its labels.

        Nothing through a balancer, which serves no metrics.
        """
        return {
            url: Histogram(_total(families, f"{name}_sum"), _total(families, f"{name}_count"))
            for url, families in (await self._metrics()).items()
        }

    async def gauge(self, name: str) -> dict[str, float]:
        """A metric without labels, of each instance by its URL."""
        return {
            url: sample.value
            for url, families in (await self._metrics()).items()
            for family in families
            for sample in family.samples
            if sample.name == name
        }

    async def _metrics(self) -> dict[str, list[Any]]:
        if self.balanced:
            return {}
        answers = [await self._get(url + "/metrics") for url in self.urls]
        texts = zip(self.urls, answers, strict=True)
        return {url: list(text_string_to_metric_families(answer.text)) for url, answer in texts}

    async def _each(self, path: str) -> list[Any]:
        return [(await self._get(url + path)).json() for url in self.urls]

    async def _get(self, url: str) -> httpx.Response:
        try:
            return await self._http.get(url)
        except httpx.TransportError as error:
            raise ClusterError(
                f"no instance answers at {url}: {error!r}", "see whether it runs, and its log"
            ) from error


def _total(families: Sequence[Any], name: str) -> float:
    """The samples of that name together."""
    values = (s.value for family in families for s in family.samples if s.name == name)
    return float(sum(values))


def _view(answer: Mapping[str, Any]) -> InstanceView:
    partitions = {(p["topic"], p["partition"]): p["next_offset"] for p in answer["partitions"]}
    return InstanceView(answer["instance_id"], answer["ready"], partitions, answer["lanes"])


def _addresses(urls: Sequence[str]) -> tuple[str, ...]:
    found = []
    for url in urls:
        parts = urlsplit(url)
        try:
            entries = socket.getaddrinfo(
                parts.hostname, parts.port, socket.AF_INET, socket.SOCK_STREAM
            )
        except OSError as error:
            raise ClusterError(f"{url} cannot be resolved: {error}", "check the URL") from error
        hosts = sorted({str(entry[4][0]) for entry in entries})
        found += [f"{parts.scheme}://{host}:{parts.port or 80}" for host in hosts]
    return tuple(found)
