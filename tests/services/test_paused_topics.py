"""A topic that turns bad is stopped in every replica, and goes on where it stopped once resumed."""

import json
from uuid import UUID

import httpx
import pytest

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysRegisteredV1,
    DeadLetterV1,
    EssayContentProvisionedV1,
)
from tests.auditing import assert_clean
from tests.db.events import contents, registration
from tests.db.evidence import Evidence
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.http_client import http_client
from tests.service_process import ServiceProcess
from tests.services.exposed_metrics import metrics, sample
from tests.services.kafka_client import KafkaClient
from tests.services.rollcall_command import RollcallCommand

BAD = 60
WINDOW = {"ROLLCALL_DEAD_LETTER_WINDOW_RECORDS": "20", "ROLLCALL_CHUNK_MAX_RECORDS": "10"}


@pytest.fixture
def rollcall(service_environment: dict[str, str]) -> RollcallCommand:
    """The command on the test's deployment."""
    return RollcallCommand(service_environment)


async def paused(replica: ServiceProcess, topic: str) -> bool:
    """Whether a replica tells of a paused topic, in its health and its metrics; ready all the same."""
    try:
        async with http_client() as client:
            answer = await client.get(f"{replica.url}/healthz/ready")
    except httpx.TransportError:
        return False
    said = answer.json()
    told = any(notice.startswith(f"{topic} paused: ") for notice in said["notices"])
    gauge = (await metrics(replica.url))[sample("rollcall_topics_paused")]
    assert gauge == told
    assert not any("paused" in problem for problem in said["problems"])
    return told and answer.status_code == 200


async def test_a_topic_that_turns_bad_is_stopped_until_it_is_resumed(
    service_process: StartService,
    kafka: KafkaClient,
    evidence: Evidence,
    rollcall: RollcallCommand,
    service_environment: dict[str, str],
    batch_id: UUID,
):
    topic = kafka.topic(EssayContentProvisionedV1)
    for _ in range(BAD):
        await kafka.send_raw(EssayContentProvisionedV1, b"not JSON", partition=1)
    first = service_process(**WINDOW)
    await eventually(lambda: paused(first, topic))
    assert [entry["level"] for entry in first.log_events("topic_paused")] == ["critical"]
    dead = len(await evidence.dead_letters())
    assert dead < 20

    first.kill()
    second = service_process(**WINDOW)
    await eventually(lambda: paused(second, topic))
    await kafka.send(registration(batch_id, 1))
    await eventually(lambda: evidence.batch(batch_id))
    assert len(await evidence.dead_letters()) == dead
    assert topic in await rollcall("topic", "list")

    second.terminate()
    await second.wait_exit()
    third = service_process(ROLLCALL_DEAD_LETTER_MAX_SHARE="1")
    await eventually(lambda: paused(third, topic))
    assert "resumed" in await rollcall("topic", "resume", "file.essay.content.provisioned.v1")
    assert len(await kafka.wait_for(DeadLetterV1, BAD)) == BAD
    await kafka.send(*contents(batch_id, 1))
    await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
    await third.wait_ready()
    await assert_clean(service_environment)


async def test_a_topic_paused_by_hand_waits_in_every_replica(
    service_process: StartService,
    kafka: KafkaClient,
    evidence: Evidence,
    rollcall: RollcallCommand,
    batch_id: UUID,
):
    replicas = [service_process(), service_process()]
    for replica in replicas:
        await replica.wait_ready()
    name = "batch.essays.registered.v1"
    tried = await rollcall("topic", "pause", name, "--reason", "upstream is broken", "--dry-run")
    assert "would be paused" in tried
    assert await rollcall("topic", "list") == "no topic is paused\n"
    assert "paused" in await rollcall("topic", "pause", name, "--reason", "upstream is broken")
    assert "was paused already" in await rollcall("topic", "pause", name)
    for replica in replicas:
        await eventually(lambda r=replica: paused(r, kafka.topic(BatchEssaysRegisteredV1)))

    await kafka.send(registration(batch_id, 2), *contents(batch_id, 2))
    await eventually(lambda: _pending(evidence, batch_id, 2))
    assert await evidence.batch(batch_id) is None

    assert "would be resumed" in await rollcall("topic", "resume", name, "--dry-run")
    await rollcall("topic", "resume", name)
    await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
    for replica in replicas:
        await replica.wait_ready()
    assert await rollcall("topic", "list") == "no topic is paused\n"
    assert "was not paused" in await rollcall("topic", "resume", name)
    assert "no input topic" in await rollcall("topic", "pause", "els.dead.letters.v1", expect=1)
    entries = json.loads(await rollcall("audit", "list", "--json"))["entries"]
    assert [(entry["action"], entry["before"], entry["after"]) for entry in entries] == [
        ("resume", {"paused": True}, {"paused": False}),
        ("pause", {"paused": False}, {"paused": True}),
    ]


async def _pending(evidence: Evidence, batch_id: UUID, count: int) -> bool:
    return len(await evidence.unplaced(batch_id, "pending")) == count
