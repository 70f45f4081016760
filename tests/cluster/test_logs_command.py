"""`rollcall logs` on a real cluster: one correlation id across replicas."""

import asyncio
import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from rollcall_events import EssayContentProvisionedV1
from rollcall_events.topics import topic_for
from tests.cluster.test_cluster_command import _PROGRAM, Rollcall, _environment, _rollcall
from tests.db.events import content, message, registration
from tests.fixtures.topics import PARTITIONS


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home without a cluster."""
    return tmp_path / "home"


@pytest.fixture
def rollcall(home: Path, service_environment: dict[str, str]) -> Iterator[Rollcall]:
    """The command on the run's servers."""
    run = _rollcall(_environment(home, **service_environment))
    yield run
    run("down", "--wipe")


def story(batch_id: UUID, correlation_id: UUID) -> list[tuple[str, bytes, int]]:
    """A batch with a content too many, and in each partition a record of a version to come."""
    opened = registration(batch_id, 1)
    sent = [(topic_for(type(opened)).name, message(opened, correlation_id), 0)]
    topic = topic_for(EssayContentProvisionedV1).name
    for number, text in enumerate("ab"):
        sent.append((topic, message(content(batch_id, text), correlation_id), number))
    for number in range(PARTITIONS):
        future = orjson.loads(message(content(batch_id, f"v9-{number}"), correlation_id))
        sent.append((topic, orjson.dumps(future | {"schema_version": 9}), number))
    return sent


def send(environment: dict[str, str], records: list[tuple[str, bytes, int]]) -> None:
    """Send records, each to its partition."""

    async def run() -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"]
        ) as producer:
            for topic, value, partition in records:
                name = environment["ROLLCALL_TOPIC_PREFIX"] + topic
                await producer.send_and_wait(name, value, partition=partition)

    asyncio.run(run())


def test_one_correlation_id_is_followed_across_replicas(
    rollcall: Rollcall, home: Path, service_environment: dict[str, str]
) -> None:
    """Registration, completion, excess and dead letters, by time, whoever wrote them; others not."""
    rollcall("up", "-n", "2")
    mine, other = uuid.uuid4(), uuid.uuid4()
    expected = ["batch_completed", "batch_registered", "excess"] + ["record_rejected"] * 3
    with subprocess.Popen(
        [*_PROGRAM, "logs", "--correlation", str(mine), "-f", "--json"],
        env=_environment(home, **service_environment),
        stdout=subprocess.PIPE,
        text=True,
    ) as follower:
        try:
            send(service_environment, story(uuid.uuid4(), other) + story(uuid.uuid4(), mine))
            assert follower.stdout is not None
            seen = [json.loads(follower.stdout.readline()) for _ in expected]
        finally:
            follower.kill()
    assert sorted(line["event"] for line in seen) == expected
    assert {line["correlation_id"] for line in seen} == {str(mine)}
    assert {line["writer"] for line in seen} == {"els-1", "els-2"}

    again = rollcall("logs", "--correlation", str(mine).upper(), "--json").stdout.splitlines()
    lines = [json.loads(line) for line in again]
    assert [list(line)[:2] for line in lines] == [["writer", "correlation_id"]] * len(expected)
    assert [line["timestamp"] for line in lines] == sorted(line["timestamp"] for line in seen)
    shown = rollcall("logs", "--correlation", str(mine), "-n", "2").stdout.splitlines()
    assert len(shown) == 2
    assert lines[-1]["event"] in shown[-1]
    refused = rollcall("logs", "--correlation", "batch-7", expect=1)
    assert "is no correlation id" in refused.stderr
