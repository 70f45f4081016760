"""Scenarios on three real replicas: they pass, and a rogue beside the replicas makes them fail."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from rollcall_cluster.scenarios.catalogue import SCENARIOS
from rollcall_cluster.scenarios.findings import Finding, Run
from rollcall_cluster.scenarios.runner import run_scenarios
from rollcall_cluster.scenarios.site import RunningSite
from rollcall_cluster.scenarios.verdicts import Side, Verdict
from rollcall_events import EssaySlotAssignedV1
from rollcall_events.topics import topic_for
from tests.fixtures.services import StartService

CHEAP = ("race_conditions", "coordination", "completion", "redis_consistency")
_PROGRAM = [sys.executable, "-c", "from rollcall_cluster.cli import main; main()"]
_WHOLE_SECONDS = 900


async def test_correctness_holds_and_a_second_publisher_is_found(
    service_process: StartService, service_environment: dict[str, str]
) -> None:
    """The last scenario runs beside one who publishes every slot event again."""
    replicas = [service_process(f"els-{number}") for number in range(1, 4)]
    for replica in replicas:
        await replica.wait_ready()
    urls = ",".join(replica.url for replica in replicas)
    environment = {**service_environment, "ROLLCALL_TEST_INSTANCES": urls}

    found = await _run(environment, CHEAP)
    assert [finding.problem for finding in found] == [""] * len(CHEAP)
    wrong = [row for f in found for row in f.rows if row.verdict(Side.OURS) is Verdict.VIOLATED]
    assert wrong == []
    measured = {row.name: row.measured for finding in found for row in finding.rows}
    assert measured["20 identical events, slots assigned"] == 1
    assert measured["6 essays, different slots"] == 6
    assert measured["instances that handled contents"] == 3
    assert measured["completions of a batch"] == 1
    assert measured["increments under a lock that were lost"] == 0
    assert measured["failure and recovery"] is None  # that Redis is not the scenario's to break

    async with _rogue(environment):
        twice = await _run(environment, ["coordination", "coordination"])
    verdicts = [{r.name: r.verdict(Side.CUSTOMARY) for r in each.rows} for each in twice]
    assert Verdict.VIOLATED in [each["6 essays, slots assigned"] for each in verdicts]
    assert verdicts[1]["violations in the audit"] is Verdict.VIOLATED
    assert verdicts[1]["6 essays, different slots"] is Verdict.REACHED


@pytest.mark.long
@pytest.mark.timeout(_WHOLE_SECONDS + 30)
def test_all_scenarios_run_as_a_command(tmp_path: Path) -> None:
    """Short ones; figures of speed mean nothing here, results have to be right."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("ROLLCALL_")}
    done = subprocess.run(
        [*_PROGRAM, "scenarios", "--duration", "10", "--out", str(tmp_path / "out")],
        env={**variables, "ROLLCALL_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=_WHOLE_SECONDS,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout[-3000:] + done.stderr[-3000:]
    told = json.loads((tmp_path / "out" / "scenarios.json").read_text())
    assert [finding["name"] for finding in told["findings"]] == list(SCENARIOS)
    assert [finding["problem"] for finding in told["findings"]] == [""] * len(SCENARIOS)
    verdicts = {
        row["name"]: row["verdict"]["ours"]
        for finding in told["findings"]
        for row in finding["rows"]
    }
    assert "violated" not in verdicts.values(), verdicts
    assert verdicts["batches completed while Redis was away"] == "reached"
    assert int(ElementTree.parse(tmp_path / "out" / "junit.xml").getroot().get("errors", "1")) == 0
    assert "<svg" in (tmp_path / "out" / "report.html").read_text()


async def _run(environment: dict[str, str], names: list[str] | tuple[str, ...]) -> list[Finding]:
    run = Run("compose", 0, 10.0, Side.OURS, "2026-01-12T08:30:00+00:00", "", 2, 0.0)
    chosen = [SCENARIOS[name] for name in names]
    await run_scenarios(RunningSite(environment), chosen, run, lambda _: None, lambda _: None)
    return run.findings


@asynccontextmanager
async def _rogue(environment: dict[str, str]) -> AsyncIterator[None]:
    """Somebody who publishes every slot event a second time."""
    servers = environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"]
    topic = topic_for(EssaySlotAssignedV1).prefixed(environment["ROLLCALL_TOPIC_PREFIX"])
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=servers, isolation_level="read_committed")
    producer = AIOKafkaProducer(bootstrap_servers=servers)

    async def repeat() -> None:
        copied: set[tuple[bytes | None, bytes | None]] = set()
        async for record in consumer:
            if (record.key, record.value) not in copied:
                copied.add((record.key, record.value))
                await producer.send_and_wait(topic, record.value, key=record.key)

    async with consumer, producer:
        await consumer.seek_to_end()
        for partition in consumer.assignment():
            await consumer.position(partition)
        task = asyncio.create_task(repeat())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
