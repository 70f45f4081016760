"""Whatever moment a database is restored to, and however much was published since: each thing is announced once."""

import math
from collections import Counter
from typing import Any
from uuid import UUID

import orjson
import pytest

from rollcall.outbox import buffer
from rollcall.outbox.segment import SegmentCodec
from rollcall_cluster.reconcile.errors import ReconcileError
from rollcall_cluster.reconcile.reconciling import Reconciled
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchEssaysRegisteredV1,
    BatchValidationErrorsV1,
)
from tests.db.conftest import OpenReplica
from tests.db.evidence import Evidence
from tests.db.replica import LANES
from tests.db.restored import Deployment, Story, newest

KIND_MODELS = (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchValidationErrorsV1,
)
KINDS = tuple(model.event_type for model in KIND_MODELS)


@pytest.mark.parametrize("chunks", [0, 2, 4])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.85, 1.0])
async def test_each_thing_is_announced_once(
    replicas: OpenReplica,
    connection: Any,
    evidence: Evidence,
    monkeypatch: pytest.MonkeyPatch,
    chunks: int,
    share: float,
) -> None:
    """Each event has a segment of its own here, so that a completion may be published in part."""
    monkeypatch.setattr(buffer, "SEGMENT_MAX_BYTES", 1)
    story = Story.new()
    deployment = Deployment(connection, await replicas(), story)
    await deployment.begin()
    await deployment.handle(len(story.chunks))
    all_segments = await deployment.segments()

    await deployment.begin()
    await deployment.handle(chunks)
    last = await deployment.publish(0.5)
    totals = Counter(segment.lane for segment in all_segments)
    in_kafka = {
        lane: last[lane] + math.ceil((totals[lane] - last[lane]) * share) for lane in range(LANES)
    }
    published = [segment for segment in all_segments if segment.seq <= in_kafka[segment.lane]]
    await deployment.reconcile(published, last, in_kafka)
    await deployment.handle_rest(chunks)

    left = await deployment.segments()
    events = [
        orjson.loads(record.value or b"")
        for segment in [*published, *left]
        for record in SegmentCodec().decode(segment.payload)
    ]
    assert Counter(event["event_id"] for event in events).most_common(1)[0][1] == 1
    _assert_contents(story, events)
    for batch_id in story.batches:
        await _assert_batch(batch_id, events, evidence)
    assert sum(event["event_type"] == "DeadLetterV1" for event in events) == 1
    assert len(await evidence.dead_letters()) == 1


def _assert_contents(story: Story, events: list[dict[str, Any]]) -> None:
    announced = [
        (event["data"]["batch_id"], event["data"]["text_storage_id"])
        for event in events
        if event["event_type"] in ("EssaySlotAssignedV1", "ExcessContentProvisionedV1")
    ]
    assert sorted(announced) == sorted(story.contents)


async def _assert_batch(batch_id: UUID, events: list[dict[str, Any]], evidence: Evidence) -> None:
    """It is complete, and was announced as it is."""
    batch, slots = await evidence.batch(batch_id), await evidence.slots(batch_id)
    told = [event for event in events if event["data"].get("batch_id") == str(batch_id)]
    states = Counter(slot["state"] for slot in slots)
    assert batch["state"] == "completed"
    assert (batch["filled_count"], batch["failed_count"], batch["missing_count"]) == (
        states["filled"],
        states["failed"],
        states["missing"],
    )
    assigned = {
        event["data"]["slot_position"]: event["data"]["text_storage_id"]
        for event in told
        if event["event_type"] == "EssaySlotAssignedV1"
    }
    assert assigned == {
        s["position"]: s["text_storage_id"] for s in slots if s["state"] == "filled"
    }
    kinds = Counter(event["event_type"] for event in told)
    assert [kinds[kind] for kind in KINDS] == [1, 1, int(states["failed"] > 0)]
    (completed,) = [event["data"] for event in told if event["event_type"] == KINDS[0]]
    assert [e["text_storage_id"] for e in completed["essays_for_processing"]] == [
        s["text_storage_id"] for s in slots if s["state"] == "filled"
    ]
    assert kinds["BatchReadinessTimeoutV1"] == (batch["timed_out_at"] is not None)
    for event in told:
        if event["event_type"] == KINDS[2]:
            failed = {s["file_upload_id"] for s in slots if s["state"] == "failed"}
            assert {error["file_upload_id"] for error in event["data"]["errors"]} == failed


async def test_a_database_that_knows_all_is_left_alone(
    replicas: OpenReplica, connection: Any
) -> None:
    story = Story.new()
    deployment = Deployment(connection, await replicas(), story)
    await deployment.begin()
    await deployment.handle(3)
    segments = await deployment.segments()
    last = await deployment.publish(0.5)
    done = await deployment.reconcile(segments, last, last)
    assert done == Reconciled()


async def test_input_that_is_gone_is_told(replicas: OpenReplica, connection: Any) -> None:
    """Batches were announced that nothing registers any more."""
    story = Story.new()
    deployment = Deployment(connection, await replicas(), story)
    await deployment.begin()
    await deployment.handle(3)
    segments = await deployment.segments()
    await deployment.begin()
    for chunk in story.chunks:
        chunk[:] = [r for r in chunk if not isinstance(r, BatchEssaysRegisteredV1)]
    with pytest.raises(ReconcileError, match="registered nowhere"):
        await deployment.reconcile(segments, dict.fromkeys(range(LANES), 0), newest(segments))
