"""The console through the load balancer: its page, its stream as it happens, the death of who serves it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from tests.docker.rig import Rig
from tests.eventually import eventually

REPLICAS = 3
# A replica looks once a second, or less often: what is held back on the way is older when it comes.
PROMPT_SECONDS = 1.0
PROMPT_IN_SUCCESSION = 3


@dataclass
class Stream:
    """What one open stream has told so far."""

    served_by: str
    sections: dict[str, Any] = field(default_factory=dict)
    ages: list[float] = field(default_factory=list)
    """How old each message was when it was read, in seconds."""
    ended: bool = False

    async def follow(self, answer: httpx.Response) -> None:
        """Take in everything, until the stream ends or is cut off."""
        try:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    self.sections |= orjson.loads(line.removeprefix("data: "))
                    at = datetime.fromisoformat(self.sections["at"])
                    self.ages.append((datetime.now(UTC) - at).total_seconds())
        except httpx.TransportError:
            pass  # who serves it was killed
        self.ended = True

    def states(self) -> list[str]:
        """Of the instances."""
        return sorted(each["state"] for each in self.sections["instances"])


@asynccontextmanager
async def watched(rig: Rig) -> AsyncIterator[Stream]:
    """Open the stream of whichever replica's turn it is."""
    async with rig.client() as client, client.stream("GET", "/console/events") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "content-length" not in answer.headers
        stream = Stream(answer.headers["x-served-by"].split(", ")[-1].partition(":")[0])
        following = asyncio.create_task(stream.follow(answer))
        try:
            await eventually(lambda: stream.sections)
            yield stream
        finally:
            following.cancel()
            await asyncio.wait([following])


def container_at(rig: Rig, address: str) -> str:
    """The replica's container that has this address in the rig's network."""
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    replicas = rig.replicas()
    return next(
        each for each in replicas if rig.docker("inspect", "-f", form, each).strip() == address
    )


async def test_the_page_and_all_it_loads_come_from_any_replica(rig: Rig) -> None:
    rig.up(REPLICAS)
    async with rig.client() as client:
        for _ in range(REPLICAS):
            page = await client.get("/console")
            script = await client.get("/console/assets/main.js")
            style = await client.get("/console/assets/console.css")
            assert (page.status_code, script.status_code, style.status_code) == (200, 200, 200)
            assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_the_stream_is_passed_on_as_it_comes(rig: Rig) -> None:
    rig.up(REPLICAS)
    async with watched(rig) as stream:
        await eventually(lambda: stream.states() == ["ready"] * REPLICAS, deadline_seconds=60)

        def prompt() -> bool:
            newest = stream.ages[-PROMPT_IN_SUCCESSION:]
            return len(newest) == PROMPT_IN_SUCCESSION and max(newest) < PROMPT_SECONDS

        await eventually(prompt, deadline_seconds=60)
        assert not stream.ended


async def test_who_watches_a_replica_that_dies_goes_on_at_another(rig: Rig) -> None:
    rig.up(REPLICAS)
    async with watched(rig) as stream:
        victim = await asyncio.to_thread(container_at, rig, stream.served_by)
        await asyncio.to_thread(rig.docker, "kill", victim)
        await eventually(lambda: stream.ended, deadline_seconds=60)
    async with watched(rig) as again:
        assert again.served_by != stream.served_by
        wanted = ["lost"] + ["ready"] * (REPLICAS - 1)
        await eventually(lambda: again.states() == wanted, deadline_seconds=60)
    await asyncio.to_thread(rig.up, REPLICAS)
