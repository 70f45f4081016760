"""Positions moved by hand beside a running replica: by command and over HTTP, tried first, written down."""

import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    DeadLetterV1,
    EssayContentProvisionedV1,
    EssaySlotAssignedV1,
)
from tests.auditing import assert_clean
from tests.db.events import content, message, registration
from tests.db.evidence import Evidence
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.service_process import ServiceProcess
from tests.services.administration import ADMIN, admin, document
from tests.services.kafka_client import KafkaClient
from tests.services.rollcall_command import RollcallCommand

NAME = "file.essay.content.provisioned.v1"
_POSITIONS = "SELECT partition, next_offset FROM position WHERE topic = $1 ORDER BY partition"
_SET = (
    "INSERT INTO position (consumer_group, topic, partition, next_offset) VALUES ($1, $2, $3, $4)"
)


@pytest.fixture
def rollcall(service_environment: dict[str, str]) -> RollcallCommand:
    """The command on the test's deployment."""
    return RollcallCommand(service_environment)


async def test_positions_are_shown_reset_and_moved_back(
    service_process: StartService,
    kafka: KafkaClient,
    kafka_bootstrap: str,
    connection: Any,
    evidence: Evidence,
    rollcall: RollcallCommand,
    service_environment: dict[str, str],
    batch_id: UUID,
) -> None:
    """Partition 0 has lost a record that was not handled; the topic of partition 1 began anew."""
    topic = kafka.topic(EssayContentProvisionedV1)
    group = service_environment["ROLLCALL_CONSUMER_GROUP"]
    await kafka.send(registration(batch_id, 1))
    for text in ("handled", "lost", "kept"):
        value = message(content(batch_id, text))
        await kafka.send_raw(EssayContentProvisionedV1, value, partition=0)
    await kafka.send_raw(EssayContentProvisionedV1, b"not JSON", partition=2)
    await delete_records(kafka_bootstrap, topic, 0, before=2)
    await connection.executemany(_SET, [(group, topic, 0, 1), (group, topic, 1, 7)])
    replica = service_process(**ADMIN)
    await eventually(lambda: _refuses(replica, 2))

    shown = json.loads(await rollcall("position", "show", NAME, "--json"))
    assert [(p["next_offset"], p["log_start"], p["loss"]) for p in shown[:2]] == [
        (1, 2, "1"),
        (7, 0, "recreated"),
    ]
    assert "rollcall position reset" in shown[0]["refused"]
    await _reset_by_command(rollcall, connection, topic)
    async with admin(replica) as client:
        await _reset_over_http(client)
        await replica.wait_ready()
        await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
        await eventually(lambda: _at(connection, topic, [3, 0, 1]))
        await _replay(client, rollcall, connection, topic)
    await eventually(lambda: _at(connection, topic, [3, 0, 1]))

    assert len(await kafka.committed(EssaySlotAssignedV1)) == 1
    assert len(await kafka.committed(DeadLetterV1)) == 1
    assert await evidence.counts(batch_id) == (1, 0, 0)
    await _all_is_written_down(rollcall, topic)
    await assert_clean(service_environment)


async def _reset_by_command(rollcall: RollcallCommand, connection: Any, topic: str) -> None:
    """Partition 0: the loss is known, and must be told as it is."""
    reset = ("position", "reset", NAME, "--partition", "0", "--by", "ops", "--reason", "known")
    assert "--accept-loss 1" in await rollcall(*reset, expect=1)
    assert "you said 2" in await rollcall(*reset, "--accept-loss", "2", expect=1)
    assert "would be moved from 1 to 2" in await rollcall(*reset, "--dry-run")
    assert (await _positions(connection, topic))[0] == 1
    assert json.loads(await rollcall("audit", "list", "--json"))["entries"] == []
    assert "moved from 1 to 2" in await rollcall(*reset, "--accept-loss", "1")


async def _reset_over_http(client: Any) -> None:
    """Partition 1: what was lost cannot be counted."""
    order: dict[str, Any] = {"topic": NAME, "partition": 1, "by": "ops"}
    refused = await document(client, "/v1/positions/reset", 422, **order)
    assert "--accept-loss recreated" in refused["detail"]
    tried = await document(client, "/v1/positions/reset", dry_run=True, **order)
    done = await document(client, "/v1/positions/reset", accept_loss="recreated", **order)
    assert (tried["moved"], tried["dry_run"], done["dry_run"]) == (done["moved"], True, False)
    again = await document(client, "/v1/positions/reset", 422, accept_loss="1", **order)
    assert "has lost nothing" in again["detail"]


async def _all_is_written_down(rollcall: RollcallCommand, topic: str) -> None:
    entries = json.loads(await rollcall("audit", "list", "--subject", topic, "--json"))["entries"]
    assert [(e["action"], e["subject"], e["before"]["next_offset"]) for e in entries] == [
        ("replay-input", f"{topic}-2", 1),
        ("replay-input", f"{topic}-0", 3),
        ("reset-position", f"{topic}-1", 7),
        ("reset-position", f"{topic}-0", 1),
    ]
    first = entries[-1]
    assert (first["operator"], first["reason"], first["after"]) == (
        "ops",
        "known",
        {"next_offset": 2, "log_start": 2, "log_end": 3, "lost": "1"},
    )
    assert "reset-position" in await rollcall("audit", "show", str(first["id"]))


async def _replay(client: Any, rollcall: RollcallCommand, connection: Any, topic: str) -> None:
    """All partitions from the start, and once more from an offset that is no longer there."""
    await connection.execute(
        "INSERT INTO replay (consumer_group) SELECT consumer_group FROM position LIMIT 1"
    )
    command = ("position", "replay", NAME, "--to")
    assert "is no longer there" in await rollcall(*command, "1", "--partition", "0", expect=1)
    tried = json.loads(await rollcall(*command, "earliest", "--dry-run", "--json"))
    assert [(m["partition"], m["before"], m["after"]) for m in tried["moved"]] == [
        (0, 3, 2),
        (2, 1, 0),
    ]
    assert await _positions(connection, topic) == [3, 0, 1]
    long_ago = json.loads(await rollcall(*command, "2000-01-01", "--dry-run", "--json"))
    assert long_ago == tried
    assert "nothing to handle again" in await rollcall(*command, "2100-01-01")
    done = await document(client, "/v1/positions/replay", topic=NAME, to="earliest", by="ops")
    assert done["moved"] == tried["moved"]
    # What the filter in Redis has marked before is not believed any more.
    assert await connection.fetchval("SELECT count(*) FROM replay") == 0


async def delete_records(bootstrap: str, topic: str, partition: int, *, before: int) -> None:
    """Remove records, as retention does."""
    admin_client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin_client.start()
    try:
        await admin_client.delete_records(
            {TopicPartition(topic, partition): RecordsToDelete(before_offset=before)}
        )
    finally:
        await admin_client.close()


async def _refuses(replica: ServiceProcess, partitions: int) -> bool:
    try:
        problems = (await replica.instance())["problems"]
    except httpx.TransportError:
        return False
    return sum(" refused: position " in problem for problem in problems) == partitions


async def _positions(connection: Any, topic: str) -> list[int]:
    rows = await connection.fetch(_POSITIONS, topic)
    return [row["next_offset"] for row in rows]


async def _at(connection: Any, topic: str, positions: list[int]) -> bool:
    return await _positions(connection, topic) == positions
