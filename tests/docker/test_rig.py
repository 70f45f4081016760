"""The rig, used as its documentation says: fed, read, scaled, hurt, audited. The tests share one rig."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from rollcall_events import EventData
from tests.db.events import content, essay_id, message, registration
from tests.docker.rig import Rig
from tests.eventually import eventually

REPLICAS = 3
DEATHS = 3


def body(*events: EventData) -> bytes:
    """A list of envelopes."""
    return b"[" + b",".join(message(event) for event in events) + b"]"


async def spread(rig: Rig, requests: int) -> Counter[str]:
    """How many of so many GETs each replica served; every one must succeed."""
    served: Counter[str] = Counter()
    async with rig.client() as client:
        for _ in range(requests):
            answer = await client.get("/v1/instance")
            assert answer.status_code == 200
            served[answer.headers["x-served-by"].split(", ")[-1]] += 1
    return served


def is_even(served: Counter[str], replicas: int) -> bool:
    """Every replica has its share, within 10 %."""
    fair = served.total() / replicas
    return len(served) == replicas and all(abs(n - fair) <= fair / 10 for n in served.values())


@asynccontextmanager
async def reading(rig: Rig) -> AsyncIterator[list[httpx.Response]]:
    """GETs one after the other from four clients, all the while."""
    answers: list[httpx.Response] = []

    async def read() -> None:
        async with rig.client() as client:
            while True:
                answers.append(await client.get("/v1/instance"))

    readers = [asyncio.ensure_future(read()) for _ in range(4)]
    try:
        yield answers
    finally:
        for reader in readers:
            reader.cancel()
        outcomes = await asyncio.gather(*readers, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes


def test_replicas_run_without_rights_on_a_read_only_file_system(rig: Rig) -> None:
    for replica in rig.replicas():
        assert rig.docker("exec", replica, "id", "-u").strip() == "10001"
        form = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.Memory}}"
        told = rig.docker("inspect", "-f", form, replica).split()
        assert told == ["true", "[ALL]", str(256 * 2**20)]
    look = "import shutil; print([tool for tool in ('cc', 'gcc', 'make', 'curl') if shutil.which(tool)])"
    assert rig.docker("exec", rig.replicas()[0], "python", "-c", look).strip() == "[]"


def test_what_the_generator_sends_is_handled_and_passes_the_audit(rig: Rig) -> None:
    rig.compose(
        "run",
        "--rm",
        "-T",
        "event_generator",
        "--profile",
        "mixed",
        "--batches",
        "10",
        "--seed",
        "7",
    )
    report = rig.verify()
    assert (report["ok"], report["at_rest"]) == (True, True)
    assert report["batches"] >= 10


async def test_reads_are_spread_evenly(rig: Rig) -> None:
    assert is_even(await spread(rig, 300), REPLICAS)


async def test_events_come_in_through_the_load_balancer_and_take_effect_once(rig: Rig) -> None:
    batch_id = uuid.uuid4()
    whole = body(registration(batch_id, 3), *(content(batch_id, text) for text in "abc"))
    async with rig.client() as client:
        answers = [await client.post("/v1/events", content=whole) for _ in range(6)]
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.headers["x-served-by"] for answer in answers}) == REPLICAS

        async def completed() -> bool:
            batch = (await client.get(f"/v1/batches/{batch_id}")).json()
            return (batch["state"], batch["filled_count"], batch["excess_count"]) == (
                "completed",
                3,
                0,
            )

        await eventually(completed, deadline_seconds=60)
        essay = await client.get(
            f"/v1/essays/{batch_id}/{essay_id(0)}", headers={"X-Request-ID": "abc-17"}
        )
    assert essay.json()["state"] == "filled"
    assert essay.headers["x-request-id"] == "abc-17"


async def test_what_is_not_for_the_outside_is_not_there(rig: Rig) -> None:
    async with rig.client() as client:
        for path in ("/metrics", "/nginx/status", "/"):
            assert (await client.get(path)).status_code == 404
        assert (await client.get("/healthz/ready")).status_code == 200
    told = rig.compose("exec", "-T", "nginx", "curl", "-s", "http://127.0.0.1:8081/nginx/status")
    assert told.startswith("Active connections")


async def test_while_kafka_is_frozen_events_are_told_to_come_again(rig: Rig) -> None:
    batch_id = uuid.uuid4()
    whole = body(registration(batch_id, 1), content(batch_id, "a"))
    async with rig.client() as client:
        with rig.paused("kafka"):
            late = await client.post("/v1/events", content=whole)
        assert (late.status_code, late.headers["retry-after"]) == (503, "1")

        async def taken() -> bool:
            return (await client.post("/v1/events", content=whole)).status_code == 202

        async def completed() -> bool:
            return (await client.get(f"/v1/batches/{batch_id}")).json().get("state") == "completed"

        await eventually(taken, deadline_seconds=90)
        await eventually(completed, deadline_seconds=90)


async def test_a_replica_that_dies_costs_no_failed_read(rig: Rig) -> None:
    for _ in range(DEATHS):
        async with reading(rig) as answers:
            await asyncio.to_thread(rig.docker, "kill", rig.replicas()[0])
            after = len(answers)
            await eventually(
                lambda seen=answers, first=after: len(seen) > first + 200, deadline_seconds=90
            )
        assert Counter(answer.status_code for answer in answers) == {200: len(answers)}
        await asyncio.to_thread(rig.up)


async def test_a_frozen_replica_costs_time_and_no_failed_read(rig: Rig) -> None:
    victim = rig.replicas()[0]
    async with reading(rig) as answers:
        await asyncio.to_thread(rig.docker, "pause", victim)
        after = len(answers)
        await eventually(lambda: len(answers) > after + 100, deadline_seconds=90)
        await asyncio.to_thread(rig.docker, "unpause", victim)
    assert Counter(answer.status_code for answer in answers) == {200: len(answers)}


async def test_replicas_that_come_get_work_and_those_that_go_lose_nothing(rig: Rig) -> None:
    rig.up(replicas=5)

    async def spread_over(replicas: int) -> bool:
        return is_even(await spread(rig, 20 * replicas), replicas)

    await eventually(lambda: spread_over(5), deadline_seconds=60)
    rig.compose("run", "--rm", "-T", "event_generator", "--batches", "10", "--rate", "200")
    async with reading(rig) as answers:
        await asyncio.to_thread(rig.up, 3)
    assert Counter(answer.status_code for answer in answers) == {200: len(answers)}
    await eventually(lambda: spread_over(3), deadline_seconds=60)


def test_after_all_of_this_the_audit_holds(rig: Rig) -> None:
    assert rig.verify()["ok"]
