"""The code of docs/tutorial.md works as it stands there."""

import asyncio
import os
import re
import shlex
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from rollcall_cluster.embedded import EmbeddedServers
from tests.eventually import DEADLINE_SECONDS
from tests.service_process import ServiceProcess, start_module
from tests.services.rollcall_command import RollcallCommand

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
_BLOCK = re.compile(r"^```\w+ file=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_UP = re.compile(r"^\$ rollcall (up .*)$", re.MULTILINE)
_ENV = re.compile(r'^\$ eval "\$\(rollcall (env.*)\)"$', re.MULTILINE)

MARKED = "attendance.student.marked.v1"
ARRIVED = "school.student.arrived.v1"


@pytest.fixture
async def attendance(
    tmp_path: Path, empty_database: str, servers: EmbeddedServers
) -> dict[str, str]:
    """Environment of the tutorial's service, its files written from the tutorial.

    Of its variables, the tutorial's own commands tell all but the prefix, since this run's brokers are shared.
    """
    page = TUTORIAL.read_text(encoding="utf-8")
    for name, text in _BLOCK.findall(page):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (tmp_path / "attendance" / "__init__.py").touch()
    own = {"ROLLCALL_TOPIC_PREFIX": f"tutorial-{uuid.uuid4().hex[:8]}."}
    home = {"ROLLCALL_HOME": str(tmp_path / "home")}
    given = {**servers.environment, "ROLLCALL_POSTGRES_DSN": empty_database}
    rollcall = RollcallCommand({**given, **own, **home})
    ((up,), (env,)) = _UP.findall(page), _ENV.findall(page)
    await rollcall(*shlex.split(up))
    exported = (shlex.split(line)[1] for line in (await rollcall(*shlex.split(env))).splitlines())
    told = dict(assignment.split("=", 1) for assignment in exported)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ROLLCALL_")}
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    return {**clean, "PYTHONPATH": path, **told, **own}


@asynccontextmanager
async def _two_replicas(environment: dict[str, str], logs: Path) -> AsyncIterator[None]:
    """They leave the group, which the other test's replica joins."""
    started = [
        ServiceProcess(
            name,
            start=partial(start_module, "attendance", ["run"]),
            environment=environment,
            log_file=logs / f"{name}.log",
        )
        for name in ("a", "b")
    ]
    try:
        yield
        for replica in started:
            replica.terminate()
            assert await replica.wait_exit() == 0
    finally:
        for replica in started:
            replica.kill()


def _run(environment: dict[str, str], *command: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-m", *command],
        env=environment,
        cwd=environment["PYTHONPATH"].split(os.pathsep)[0],
        stdout=subprocess.PIPE,
        text=True,
        timeout=2 * DEADLINE_SECONDS,  # the page's test starts the service three times
    )
    assert finished.returncode == 0, finished.stdout
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
    attendance: dict[str, str], tmp_path: Path
) -> None:
    told = re.findall(r"^applied \w+\n", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE)
    assert _run(attendance, "attendance", "migrate") == "".join(told)
    assert "every topic agrees with the registry" in _run(attendance, "attendance", "topics")
    lesson = str(uuid.uuid4())
    students = [f"student-{number}" for number in range(20)]
    async with _two_replicas(attendance, tmp_path):
        await _produce(attendance, [_arrival(lesson, student) for student in students * 3])
        async with asyncio.timeout(DEADLINE_SECONDS):
            marked = await _marked(attendance, 20)
    assert sorted(marked) == sorted((lesson, s) for s in students)


async def test_its_test_passes(attendance: dict[str, str]) -> None:
    """On the servers of this run, which take the place of the embedded ones."""
    arguments = ("pytest", "-p", "no:cacheprovider", "test_attendance.py")
    assert "1 passed" in await asyncio.to_thread(_run, attendance, *arguments)
