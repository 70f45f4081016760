"""The console of real replicas: its page, and what its stream tells while they come and go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import orjson

from rollcall_events import EssayContentProvisionedV1
from tests.db.events import content, registration
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.http_client import http_client
from tests.service_process import ServiceProcess
from tests.services.kafka_client import KafkaClient


class Told:
    """All that a stream has told so far, put together as the page does."""

    def __init__(self) -> None:
        self.sections: dict[str, Any] = {}
        self.names: list[str] = []
        self.ended: asyncio.Task[None] | None = None

    async def follow(self, lines: AsyncIterator[str]) -> None:
        """Take in a stream to its end."""
        async for line in lines:
            if line.startswith("event: "):
                self.names.append(line.removeprefix("event: "))
            elif line.startswith("data: "):
                self.sections |= orjson.loads(line.removeprefix("data: "))

    async def looks(self, count: int) -> None:
        """Wait for so many more."""
        enough = len(self.names) + count
        await eventually(lambda: len(self.names) >= enough)

    def states(self) -> dict[str, str]:
        """The state of each instance."""
        return {each["instance_id"]: each["state"] for each in self.sections["instances"]}

    def owners(self, of: str) -> list[str]:
        """Who owns each of the partitions or lanes, those without an owner as an empty name."""
        lanes = self.sections["relay"]["lanes"]
        owned = lanes if of == "lanes" else self.sections["partitions"]
        return sorted(each["owner"] or "" for each in owned)

    def happened(self, kind: str) -> list[str]:
        """The entries of the timeline of this kind."""
        entries = self.sections["timeline"]["entries"]
        return [entry["text"] for entry in entries if entry["kind"] == kind]


@asynccontextmanager
async def watched(replica: ServiceProcess) -> AsyncIterator[Told]:
    """Open a replica's stream."""
    async with (
        http_client(base_url=replica.url) as client,
        client.stream("GET", "/console/events") as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        told = Told()
        told.ended = asyncio.create_task(told.follow(answer.aiter_lines()))
        await eventually(lambda: told.sections)
        yield told
        told.ended.cancel()
        await asyncio.wait([told.ended])


async def test_the_page_comes_with_its_files_and_a_policy_that_lets_in_nothing_else(
    service_process: StartService,
) -> None:
    replica = service_process()
    await replica.wait_ready()
    async with http_client(base_url=replica.url) as client:
        page = await client.get("/console")
        script = await client.get("/console/assets/main.js")
        again = await client.get("/console", headers={"If-None-Match": page.headers["etag"]})
        absent = await client.get("/console/assets/documents.py")
        outside = await client.get("/console/assets/..%2froutes.py")
    assert (page.status_code, script.status_code, again.status_code) == (200, 200, 304)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "set-cookie" not in page.headers
    for answer in (absent, outside):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_replica_tells_of_all_of_them_and_its_own_stop_is_not_held_up(
    service_process: StartService, kafka: KafkaClient, batch_id: UUID
) -> None:
    await kafka.send(registration(batch_id, 3), *(content(batch_id, text) for text in "ab"))
    await kafka.send_raw(EssayContentProvisionedV1, b"<b>not JSON", partition=0)
    first, second = service_process("first"), service_process("second")
    await asyncio.gather(first.wait_ready(), second.wait_ready())
    async with watched(first) as told:
        await eventually(lambda: told.states() == {"first": "ready", "second": "ready"})
        await eventually(lambda: set(told.owners("partitions")) == {"first", "second"})
        await eventually(lambda: told.owners("lanes") == ["first"] * 2 + ["second"] * 2)
        await eventually(lambda: told.sections["letters"]["dead"] == 1)
        await eventually(lambda: told.sections["fills"]["shown"])
        (batch,) = told.sections["fills"]["shown"]
        assert (batch["id"], batch["slots"], batch["state"]) == (str(batch_id), 3, "open")
        await eventually(lambda: told.sections["fills"]["shown"][0]["filled"] == 2)
        await eventually(lambda: told.sections["relay"]["events"] == 0)

        await told.looks(3)  # a rebalance is told between owners that were steady for two
        second.kill()

        await eventually(lambda: told.states()["second"] == "lost")
        await eventually(lambda: told.happened("rebalance"))
        assert told.happened("lost") == ["second is lost: no heartbeat for more than 3 s"]
        assert set(told.names[1:]) <= {"change", "trouble"}

        first.terminate()

        assert await first.wait_exit() == 0
        assert told.ended is not None
        await asyncio.wait_for(told.ended, 30)  # the stream was ended, not cut off
    assert first.log_events("console_failed") == []
    assert "timeout graceful shutdown exceeded" not in first.log


async def test_the_console_can_be_switched_off(service_process: StartService) -> None:
    replica = service_process(ROLLCALL_HTTP_CONSOLE="false")
    async with http_client(base_url=replica.url) as client:

        async def answered() -> int:
            try:
                return (await client.get("/console")).status_code
            except httpx.TransportError:
                return 0

        await eventually(answered)
        assert await answered() == 404
