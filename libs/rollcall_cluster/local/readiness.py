"""Waiting until replicas are ready."""

import asyncio
import time
from collections.abc import Callable, Sequence

import httpx

from rollcall_cluster.embedded.errors import log_tail
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.local.replica import Replica

_DEADLINE_SECONDS = 60.0
_POLL_SECONDS = 0.1

Report = Callable[[str], None]  # told each step as it begins


async def wait_until_ready(replicas: Sequence[Replica], report: Report) -> None:
    """Return when all say at /healthz/ready that they are; raises ClusterError when one cannot."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    ready: set[str] = set()
    async with httpx.AsyncClient(timeout=2) as client:
        while True:
            report(f"waiting for replicas: {len(ready)} of {len(replicas)} are ready")
            waiting = [replica for replica in replicas if replica.name not in ready]
            answers = await asyncio.gather(*(_is_ready(client, replica) for replica in waiting))
            ready |= {each.name for each, yes in zip(waiting, answers, strict=True) if yes}
            if len(ready) == len(replicas):
                return
            if time.monotonic() > deadline:
                late = next(replica for replica in waiting if replica.name not in ready)
                raise _failure(late, f"is not ready after {_DEADLINE_SECONDS:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)


async def _is_ready(client: httpx.AsyncClient, replica: Replica) -> bool:
    if replica.process is None:
        raise _failure(replica, "ended while it started")
    try:
        return (await client.get(f"{replica.url}/healthz/ready")).status_code == 200
    except httpx.TransportError:
        return False


def _failure(replica: Replica, happened: str) -> ClusterError:
    return ClusterError(
        f"{replica.name} {happened}; the end of {replica.log_file}:\n{log_tail(replica.log_file)}",
        "see the log above; `rollcall down` stops the rest",
    )
