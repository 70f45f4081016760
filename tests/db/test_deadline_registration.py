"""Where a deadline comes from: the registration, or the service; on the database's clock."""

import uuid
from uuid import UUID

from essay_lifecycle_service.domain.deadline import DeadlineDefaults
from rollcall_events import (
    BatchReadinessTimeoutV1,
)
from tests.db.conftest import OpenReplica
from tests.db.deadlines import CLOSE, COMPLETE_PARTIAL, KEEP_OPEN, with_deadline
from tests.db.events import registration
from tests.db.evidence import Evidence
from tests.db.replica import Replica


async def test_a_batch_without_deadline_never_times_out(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2))
    await replica.sweep()
    batch = await evidence.batch(batch_id)
    assert (batch["deadline_at"], batch["deadline_policy"]) == (None, None)
    assert await evidence.announced(BatchReadinessTimeoutV1) == []


async def test_a_deadline_counts_from_the_registration_on_the_databases_clock(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(with_deadline(batch_id, 2, CLOSE, seconds=90))
    batch = await evidence.batch(batch_id)
    assert (batch["deadline_at"] - batch["registered_at"]).total_seconds() == 90
    assert batch["deadline_policy"] == "close"


async def test_the_service_gives_a_deadline_to_batches_that_name_none(
    replicas: OpenReplica, evidence: Evidence
) -> None:
    """What the registration says goes before; 0 seconds mean none."""
    replica = await replicas(deadlines=DeadlineDefaults(60, CLOSE))
    silent, own, without, other_policy = batches = [uuid.uuid4() for _ in range(4)]
    await replica.handle(
        registration(silent, 1),
        with_deadline(own, 1, KEEP_OPEN, seconds=7),
        registration(without, 1, readiness_deadline_seconds=0),
        registration(other_policy, 1, deadline_policy=COMPLETE_PARTIAL),
    )
    found = [await evidence.batch(batch) for batch in batches]
    seconds = [b["deadline_at"] and (b["deadline_at"] - b["registered_at"]).seconds for b in found]
    assert seconds == [60, 7, None, 60]
    assert [b["deadline_policy"] for b in found] == ["close", "keep_open", None, "complete_partial"]


async def test_a_registration_with_another_deadline_is_a_contradiction(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(
        with_deadline(batch_id, 1, CLOSE),
        with_deadline(batch_id, 1, CLOSE),
        with_deadline(batch_id, 1, KEEP_OPEN),
        with_deadline(batch_id, 1, CLOSE, seconds=1),
        registration(batch_id, 1),
    )
    assert [letter["record_offset"] for letter in await evidence.dead_letters()] == [2, 3, 4]
