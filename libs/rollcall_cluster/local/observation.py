"""What can be seen of each replica from outside, at one moment."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from rollcall_cluster.local.replica import Replica

_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Observation:
    """One replica: its process and, if that answers, what it says at /v1/instance."""

    instance: str
    status: Literal["running", "dead"]
    pid: int | None
    port: int | None
    health: str
    partitions: int | None = None
    lag: int | None = None
    events_per_second: float | None = None
    records_total: int | None = None
    lanes: tuple[int, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """Health, and what is not as usual beside it."""
        return "; ".join((self.health, *self.notices))

    @property
    def is_ready(self) -> bool:
        """Running, answering, and making progress."""
        return self.health == "ready"


async def observe(replicas: Iterable[Replica], client: httpx.AsyncClient) -> list[Observation]:
    """Look at all replicas at once; none that hangs holds up the others for more than 2 s."""
    return list(await asyncio.gather(*(_look(replica, client) for replica in replicas)))


def observe_once(replicas: Sequence[Replica]) -> list[Observation]:
    """observe() for callers without an event loop."""

    async def look() -> list[Observation]:
        async with httpx.AsyncClient() as client:
            return await observe(replicas, client)

    return asyncio.run(look())


async def _look(replica: Replica, client: httpx.AsyncClient) -> Observation:
    process = replica.process
    if process is None:
        return Observation(replica.name, "dead", None, replica.port, health="-")
    try:
        response = await client.get(f"{replica.url}/v1/instance", timeout=_TIMEOUT_SECONDS)
        said = response.raise_for_status().json()
    except httpx.HTTPError:
        return Observation(replica.name, "running", process.pid, replica.port, health="no answer")
    return _described(replica, process.pid, said)


def _described(replica: Replica, pid: int, said: dict[str, Any]) -> Observation:
    return Observation(
        instance=replica.name,
        status="running",
        pid=pid,
        port=replica.port,
        health="ready" if said["ready"] else "; ".join(said["problems"]) or "not ready",
        partitions=len(said["partitions"]),
        lag=said["lag"],
        events_per_second=said["records_per_second"],
        records_total=said["records_total"],
        lanes=tuple(said["lanes"]),
        notices=tuple(said.get("notices", ())),
    )
