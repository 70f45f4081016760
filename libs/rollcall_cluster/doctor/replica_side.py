"""Asks replicas over HTTP: are they ready, which release are they, what time is it there."""

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from rollcall_cluster.doctor.facts import ReplicaFacts


async def look_at_replicas(urls: Iterable[str], limit_seconds: float) -> list[ReplicaFacts]:
    """What each replica answers; one that does not has an error."""
    async with httpx.AsyncClient(timeout=limit_seconds, trust_env=False) as client:
        return list(await asyncio.gather(*(_ask(client, url.rstrip("/")) for url in urls)))


async def _ask(client: httpx.AsyncClient, url: str) -> ReplicaFacts:
    try:
        started = time.perf_counter()
        ready = await client.get(f"{url}/healthz/ready")
        middle = datetime.now(UTC).timestamp() - (time.perf_counter() - started) / 2
        status = (await client.get(f"{url}/v1/instance")).raise_for_status().json()
        return ReplicaFacts(
            url,
            instance_id=str(status["instance_id"]),
            version=str(status["version"]),
            problems=[str(problem) for problem in ready.json()["problems"]],
            clock_ahead_seconds=_ahead(ready.headers.get("date"), middle),
        )
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        return ReplicaFacts(url, error=repr(error)[:200])


def _ahead(date: str | None, here: float) -> float | None:
    """The header has whole seconds, cut off, so half a second is added."""
    if date is None:
        return None
    return here - (parsedate_to_datetime(date).timestamp() + 0.5)
