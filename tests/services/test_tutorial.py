"""The code of docs/tutorial.md works as it stands there."""

import asyncio
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from rollcall_cluster.embedded import EmbeddedServers
from tests.eventually import DEADLINE_SECONDS
from tests.fixtures.services import StartService

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
_BLOCK = re.compile(r"^```\w+ file=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

MARKED = "attendance.student.marked.v1"
ARRIVED = "school.student.arrived.v1"


@pytest.fixture
def attendance(tmp_path: Path, empty_database: str, servers: EmbeddedServers) -> dict[str, str]:
    """Environment of the tutorial's service, its files written from the tutorial."""
    for name, text in _BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (tmp_path / "attendance" / "__init__.py").touch()
    return {
        "PYTHONPATH": str(tmp_path),
        "ROLLCALL_POSTGRES_DSN": empty_database,
        "ROLLCALL_KAFKA_BOOTSTRAP_SERVERS": servers.kafka.address,
        "ROLLCALL_TOPIC_PREFIX": f"tutorial-{uuid.uuid4().hex[:8]}.",
        "ROLLCALL_CONSUMER_GROUP": f"attendance-{uuid.uuid4().hex[:8]}",
        "ROLLCALL_DATABASE_SCHEMA": "attendance",
    }


def _run(environment: dict[str, str], command: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-m", "attendance", command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=True,
    )
    return finished.stdout


def _arrival(lesson: str, student: str) -> bytes:
    return orjson.dumps(
        {
            "event_id": str(uuid.uuid4()),
            "event_type": "StudentArrivedV1",
            "event_timestamp": "2026-01-01T08:00:00Z",
            "source_service": "doors",
            "schema_version": 1,
            "correlation_id": str(uuid.uuid4()),
            "data": {"lesson_id": lesson, "student_id": student, "door": "north"},
        }
    )


async def _produce(environment: dict[str, str], values: list[bytes]) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"]
    ) as producer:
        for value in values:
            await producer.send_and_wait(environment["ROLLCALL_TOPIC_PREFIX"] + ARRIVED, value)


async def _marked(environment: dict[str, str], count: int) -> list[tuple[str, str]]:
    """The first `count` marks, and whatever else is there once they are."""
    found: list[tuple[str, str]] = []
    async with AIOKafkaConsumer(
        environment["ROLLCALL_TOPIC_PREFIX"] + MARKED,
        bootstrap_servers=environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"],
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    ) as consumer:
        while True:
            batches = await consumer.getmany(timeout_ms=500)
            if not batches and len(found) >= count:
                return found
            for record in (record for batch in batches.values() for record in batch):
                data = orjson.loads(record.value)["data"]
                found.append((data["lesson_id"], data["student_id"]))


async def test_each_student_is_marked_and_announced_once(
    attendance: dict[str, str], service_process: StartService
) -> None:
    told = re.findall(r"^applied \w+\n", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE)
    assert _run(attendance, "migrate") == "".join(told)
    assert "every topic agrees with the registry" in _run(attendance, "topics")
    for name in ("a", "b"):
        service_process(name, module="attendance", forked=False, **attendance)
    lesson = str(uuid.uuid4())
    students = [f"student-{number}" for number in range(20)]
    await _produce(attendance, [_arrival(lesson, student) for student in students * 3])
    async with asyncio.timeout(DEADLINE_SECONDS):
        marked = await _marked(attendance, 20)
    assert sorted(marked) == sorted((lesson, s) for s in students)
