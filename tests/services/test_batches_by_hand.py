"""Orders about batches beside a running replica, by command and over HTTP; the audit of it all is clean."""

import json
import uuid
from typing import Any
from uuid import UUID

import pytest

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchReadinessTimeoutV1,
    EssaySlotAssignedV1,
    ExcessContentProvisionedV1,
)
from tests.auditing import assert_clean
from tests.db.events import content, contents, essay_id, failure, registration
from tests.db.evidence import Evidence
from tests.eventually import eventually
from tests.fixtures.services import StartService
from tests.services.administration import ADMIN, admin, document
from tests.services.kafka_client import KafkaClient
from tests.services.rollcall_command import RollcallCommand

FULL, PART, SHUT, UNKNOWN = (uuid.uuid4() for _ in range(4))


@pytest.fixture
def rollcall(service_environment: dict[str, str]) -> RollcallCommand:
    """The command on the test's deployment."""
    return RollcallCommand(service_environment)


async def test_batches_are_ended_reassigned_and_replayed_beside_a_replica(
    service_process: StartService,
    kafka: KafkaClient,
    evidence: Evidence,
    rollcall: RollcallCommand,
    service_environment: dict[str, str],
) -> None:
    replica = service_process(**ADMIN)
    await replica.wait_ready()
    for batch in (FULL, PART, SHUT):
        await kafka.send(registration(batch, 3))
    await kafka.send(*contents(FULL, 2), failure(FULL, "broken"), content(UNKNOWN, "early"))
    await kafka.send(content(PART, "only"), content(SHUT, "only"))
    await kafka.wait_for(EssaySlotAssignedV1, 4)
    await kafka.wait_for(BatchContentProvisioningCompletedV1, 1)
    await kafka.send(content(FULL, "mended"), content(FULL, "better"))
    await kafka.wait_for(ExcessContentProvisionedV1, 2)
    await eventually(lambda: evidence.unplaced(UNKNOWN, "pending"))

    async with admin(replica) as client:
        await _what_waits_is_shown(client, rollcall)
        tried = await document(client, f"/v1/batches/{PART}/complete", by="ops", dry_run=True)
        assert (tried["after"]["state"], tried["dry_run"]) == ("completed", True)
        assert (await evidence.batch(PART))["state"] == "open"
        told = await rollcall("batch", "complete", str(PART), "--reason", "term is over")
        assert "state     open -> completed" in told
        closed = await document(client, f"/v1/batches/{SHUT}/close", by="ops", reason="no use")
        assert closed["after"]["missing"] == 2
        refused = await document(client, f"/v1/batches/{SHUT}/complete", 422, by="ops")
        assert "is closed already" in refused["detail"]
        await document(client, f"/v1/batches/{PART}/reconcile", by="ops")
        failed = await _failed_essay(evidence, FULL)
        order = {"essay_id": failed, "text_storage_id": "mended", "by": "ops"}
        mended = await document(client, f"/v1/batches/{FULL}/reassign", **order)
        assert (mended["before"]["failed"], mended["after"]["failed"]) == (1, 0)
    filled = await _essay_of(evidence, FULL, "text-00000")
    assert "reassigned" in await rollcall("batch", "reassign", str(FULL), filled, "--to", "better")
    assert "no essay" in await rollcall("batch", "reassign", str(FULL), "x", "--to", "y", expect=1)
    for batch in (FULL, SHUT):
        assert "replayed" in await rollcall("batch", "replay", str(batch))

    assert len(await kafka.wait_for(BatchContentProvisioningCompletedV1, 3)) == 3
    assert len(await kafka.wait_for(BatchReadinessTimeoutV1, 2)) == 2
    assert len(await kafka.wait_for(EssaySlotAssignedV1, 10)) == 10
    records = await kafka.records(EssaySlotAssignedV1)
    marks = [_mark(record) for record in records if record.key == str(FULL).encode()]
    assert sorted(mark for mark in marks if mark) == [
        *["rollcall-correction"] * 2,
        *["rollcall-replay"] * 3,
    ]
    await _all_is_written_down(rollcall)
    await assert_clean(service_environment)


async def _what_waits_is_shown(client: Any, rollcall: RollcallCommand) -> None:
    waiting = await document(client, "/v1/pending")
    assert [(b["batch_id"], b["state"]) for b in waiting["batches"]] == [(str(UNKNOWN), None)]
    claims = await document(client, f"/v1/pending/{UNKNOWN}")
    assert [claim["identity"] for claim in claims["pending"]] == ["early"]
    assert str(UNKNOWN) in await rollcall("batch", "pending")
    assert "early" in await rollcall("batch", "pending", str(UNKNOWN))


async def _all_is_written_down(rollcall: RollcallCommand) -> None:
    entries = json.loads(await rollcall("audit", "list", "--json"))["entries"]
    assert [entry["action"] for entry in reversed(entries)] == [
        *("complete", "close", "reconcile", "reassign", "reassign"),
        *("replay-output", "replay-output"),
    ]
    assert entries[-1]["reason"] == "term is over"
    assert entries[-2]["operator"].startswith("ops (token ")


async def _failed_essay(evidence: Evidence, batch: UUID) -> str:
    (slot,) = [slot for slot in await evidence.slots(batch) if slot["state"] == "failed"]
    return str(slot["essay_id"])


async def _essay_of(evidence: Evidence, batch: UUID, text: str) -> str:
    return essay_id((await evidence.texts(batch)).index(text))


def _mark(record: Any) -> str | None:
    names = {name for name, _ in record.headers}
    return next(iter(names & {"rollcall-replay", "rollcall-correction"}), None)
