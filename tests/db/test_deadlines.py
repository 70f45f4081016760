"""Deadlines: announced once when they pass, and what becomes of the batch by its policy."""

from uuid import UUID

import pytest

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchReadinessTimeoutV1,
    BatchValidationErrorsV1,
    DeadlinePolicy,
    ExcessContentProvisionedV1,
    ExcessReason,
)
from tests.db.deadlines import CLOSE, COMPLETE_PARTIAL, GIVES_UP, KEEP_OPEN, Let, with_deadline
from tests.db.events import content, contents, essay_id, failure
from tests.db.evidence import Evidence
from tests.db.replica import Replica


@pytest.mark.parametrize("policy", DeadlinePolicy)
async def test_nothing_happens_before_the_deadline(
    replica: Replica, evidence: Evidence, batch_id: UUID, policy: DeadlinePolicy
) -> None:
    await replica.handle(with_deadline(batch_id, 2, policy), content(batch_id, "text"))
    await replica.sweep()
    assert await evidence.announced(BatchReadinessTimeoutV1) == []
    assert (await evidence.batch(batch_id))["state"] == "open"


@pytest.mark.parametrize("policy", DeadlinePolicy)
async def test_a_deadline_that_passes_is_announced_once_with_what_is_missing(
    replica: Replica,
    evidence: Evidence,
    batch_id: UUID,
    policy: DeadlinePolicy,
    let_deadline_pass: Let,
) -> None:
    await replica.handle(
        with_deadline(batch_id, 4, policy), content(batch_id, "text"), failure(batch_id, "file")
    )
    await let_deadline_pass(batch_id)
    for _ in range(3):
        await replica.sweep()

    (event,) = await evidence.announced(BatchReadinessTimeoutV1)
    assert event.model_dump(exclude={"timed_out_at"}) == {
        "batch_id": batch_id,
        "expected_count": 4,
        "provisioned_count": 1,
        "failed_count": 1,
        "open_count": 2,
        "missing_essay_ids": (essay_id(2), essay_id(3)),
        "policy": policy.value,
    }
    batch = await evidence.batch(batch_id)
    assert event.timed_out_at == batch["timed_out_at"]


async def test_a_batch_that_is_kept_open_goes_on_and_completes_later(
    replica: Replica, evidence: Evidence, batch_id: UUID, let_deadline_pass: Let
) -> None:
    await replica.handle(with_deadline(batch_id, 2, KEEP_OPEN), content(batch_id, "first"))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    assert await evidence.counts(batch_id) == (1, 0, 1)

    await replica.handle(content(batch_id, "second"))

    assert await evidence.event_types(batch_id) == [
        "EssaySlotAssignedV1",
        "BatchReadinessTimeoutV1",
        "EssaySlotAssignedV1",
        "BatchContentProvisioningCompletedV1",
        "BatchEssaysReadyV1",
    ]
    (completed,) = await evidence.announced(BatchContentProvisioningCompletedV1)
    assert (completed.missing_count, completed.missing_essay_ids) == (0, ())


async def test_a_partial_batch_completes_with_what_is_there(
    replica: Replica, evidence: Evidence, batch_id: UUID, let_deadline_pass: Let
) -> None:
    await replica.handle(
        with_deadline(batch_id, 4, COMPLETE_PARTIAL),
        content(batch_id, "text"),
        failure(batch_id, "file"),
    )
    await let_deadline_pass(batch_id)
    await replica.sweep()
    await replica.sweep()

    assert await evidence.event_types(batch_id) == [
        "EssaySlotAssignedV1",
        "BatchReadinessTimeoutV1",
        "BatchContentProvisioningCompletedV1",
        "BatchEssaysReadyV1",
        "BatchValidationErrorsV1",
    ]
    (completed,) = await evidence.announced(BatchContentProvisioningCompletedV1)
    assert completed.model_dump(exclude={"batch_id", "course_code", "user_id"}) == {
        "expected_count": 4,
        "provisioned_count": 1,
        "failed_count": 1,
        "essays_for_processing": ({"essay_id": essay_id(0), "text_storage_id": "text"},),
        "missing_count": 2,
        "missing_essay_ids": (essay_id(2), essay_id(3)),
    }
    (ready,) = await evidence.announced(BatchEssaysReadyV1)
    assert [essay.essay_id for essay in ready.ready_essays] == [essay_id(0)]
    (errors,) = await evidence.announced(BatchValidationErrorsV1)
    assert errors.failed_count == 1
    assert await evidence.counts(batch_id) == (1, 1, 0)
    batch = await evidence.batch(batch_id)
    assert (batch["state"], batch["missing_count"], batch["closed_at"]) == ("completed", 2, None)
    assert batch["completed_at"] == batch["timed_out_at"]


async def test_a_batch_for_which_nothing_came_completes_empty(
    replica: Replica, evidence: Evidence, batch_id: UUID, let_deadline_pass: Let
) -> None:
    await replica.handle(with_deadline(batch_id, 2, COMPLETE_PARTIAL))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    (ready,) = await evidence.announced(BatchEssaysReadyV1)
    assert ready.ready_essays == ()


async def test_a_closed_batch_never_completes(
    replica: Replica, evidence: Evidence, batch_id: UUID, let_deadline_pass: Let
) -> None:
    await replica.handle(with_deadline(batch_id, 3, CLOSE), content(batch_id, "text"))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    await replica.handle(*contents(batch_id, 5), failure(batch_id, "file"))
    await replica.sweep()

    assert await evidence.announced(BatchContentProvisioningCompletedV1) == []
    assert await evidence.counts(batch_id) == (1, 0, 0)
    batch = await evidence.batch(batch_id)
    assert (batch["state"], batch["missing_count"], batch["completed_at"]) == ("closed", 2, None)
    assert batch["closed_at"] == batch["timed_out_at"]


@pytest.mark.parametrize("policy", GIVES_UP)
async def test_content_after_the_slots_were_given_up_is_excess_of_a_closed_batch_once(
    replica: Replica,
    evidence: Evidence,
    batch_id: UUID,
    policy: DeadlinePolicy,
    let_deadline_pass: Let,
) -> None:
    await replica.handle(with_deadline(batch_id, 2, policy), content(batch_id, "text"))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    late = content(batch_id, "late")
    await replica.handle(late, content(batch_id, "text"))
    await replica.handle(late)

    (event,) = await evidence.announced(ExcessContentProvisionedV1)
    assert (event.text_storage_id, event.reason) == ("late", ExcessReason.BATCH_CLOSED)
    assert await evidence.unplaced(batch_id, "excess") == ["late"]


@pytest.mark.parametrize("policy", GIVES_UP)
async def test_a_validation_failure_after_the_slots_were_given_up_is_kept_and_not_announced(
    replica: Replica,
    evidence: Evidence,
    batch_id: UUID,
    policy: DeadlinePolicy,
    let_deadline_pass: Let,
) -> None:
    await replica.handle(with_deadline(batch_id, 2, policy), content(batch_id, "text"))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    before = await evidence.event_types(batch_id)
    await replica.handle(failure(batch_id, "late"))
    assert await evidence.event_types(batch_id) == before
    assert await evidence.unplaced(batch_id, "excess") == ["late"]


async def test_a_full_batch_does_not_time_out(
    replica: Replica, evidence: Evidence, batch_id: UUID, let_deadline_pass: Let
) -> None:
    """Its content is excess because nothing is left, not because it was closed."""
    await replica.handle(with_deadline(batch_id, 1, CLOSE), content(batch_id, "text"))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    await replica.handle(content(batch_id, "late"))
    assert await evidence.announced(BatchReadinessTimeoutV1) == []
    (excess,) = await evidence.announced(ExcessContentProvisionedV1)
    assert excess.reason is ExcessReason.NO_AVAILABLE_SLOT
