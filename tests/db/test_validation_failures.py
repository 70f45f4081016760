"""A validation failure consumes a slot of the same inventory, once for each file."""

import asyncio
from uuid import UUID

import pytest

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchValidationErrorsV1,
    EssaySlotAssignedV1,
    EssayValidationError,
    ValidationErrorCode,
)
from tests.db.conftest import OpenReplica
from tests.db.events import content, essay_id, failure, registration
from tests.db.evidence import Evidence
from tests.db.replica import Replica


async def test_a_failure_takes_a_slot_without_announcing_one(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2), failure(batch_id, "file"))
    assert await evidence.counts(batch_id) == (0, 1, 1)
    assert await evidence.published() == []


async def test_a_failure_as_last_filler_completes_the_batch(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2), content(batch_id, "text"))
    await replica.handle(failure(batch_id, "file"))
    (completed,) = await evidence.announced(BatchContentProvisioningCompletedV1)
    assert (completed.provisioned_count, completed.failed_count) == (1, 1)
    assert [essay.text_storage_id for essay in completed.essays_for_processing] == ["text"]


async def test_errors_of_a_complete_batch_tell_what_failed_and_why(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    failed = failure(
        batch_id,
        "file",
        validation_error_code=ValidationErrorCode.CONTENT_TOO_SHORT,
        validation_error_detail="12 words; at least 50",
    )
    await replica.handle(registration(batch_id, 2), content(batch_id, "text"), failed)
    (announced,) = await evidence.announced(BatchValidationErrorsV1)
    assert announced.failed_count == 1
    assert announced.errors == (
        EssayValidationError(
            essay_id=essay_id(1),
            file_upload_id="file",
            original_file_name="file.docx",
            validation_error_code=ValidationErrorCode.CONTENT_TOO_SHORT,
            validation_error_detail="12 words; at least 50",
        ),
    )


async def test_a_batch_of_failures_alone_is_complete_with_nothing_to_process(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(
        registration(batch_id, 3), *(failure(batch_id, f"file-{n}") for n in range(3))
    )
    (completed,) = await evidence.announced(BatchContentProvisioningCompletedV1)
    (ready,) = await evidence.announced(BatchEssaysReadyV1)
    (errors,) = await evidence.announced(BatchValidationErrorsV1)
    assert (completed.essays_for_processing, ready.ready_essays) == ((), ())
    assert (completed.failed_count, errors.failed_count, len(errors.errors)) == (3, 3, 3)


async def test_a_batch_without_failures_announces_no_errors(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1), content(batch_id, "text"))
    assert await evidence.announced(BatchValidationErrorsV1) == []


@pytest.mark.parametrize("code", ValidationErrorCode)
async def test_every_error_code_reaches_the_announcement(
    replica: Replica, evidence: Evidence, batch_id: UUID, code: ValidationErrorCode
) -> None:
    await replica.handle(
        registration(batch_id, 1), failure(batch_id, "file", validation_error_code=code)
    )
    (errors,) = await evidence.announced(BatchValidationErrorsV1)
    assert errors.errors[0].validation_error_code is code


async def test_a_failure_before_registration_waits_and_then_takes_a_slot(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(failure(batch_id, "file"))
    assert await evidence.unplaced(batch_id, "pending") == ["file"]
    await replica.handle(registration(batch_id, 1))
    assert await evidence.counts(batch_id) == (0, 1, 0)


async def test_a_repeated_failure_consumes_one_slot(
    replica: Replica, replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    """In one chunk, later, and through eight chunks at once; also with another error."""
    failed = failure(batch_id, "file")
    await replica.handle(registration(batch_id, 5), failed, failed)
    await replica.handle(
        failure(batch_id, "file", validation_error_code=ValidationErrorCode.CONTENT_TOO_LONG)
    )
    other = await replicas("other", connections=8)
    await asyncio.gather(*(other.handle(failed, partition=n) for n in range(1, 9)))
    assert await evidence.counts(batch_id) == (0, 1, 4)


async def test_the_first_failures_at_once_for_one_file_consume_one_slot(
    replica: Replica, replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 8))
    other = await replicas("other", connections=8)
    failed = failure(batch_id, "file")
    await asyncio.gather(*(other.handle(failed, partition=n) for n in range(1, 9)))
    assert await evidence.counts(batch_id) == (0, 1, 7)
    assert await evidence.unplaced(batch_id, "pending") == []


async def test_failures_of_different_files_consume_a_slot_each(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(
        registration(batch_id, 3), failure(batch_id, "one"), failure(batch_id, "two")
    )
    assert await evidence.counts(batch_id) == (0, 2, 1)


@pytest.mark.parametrize("content_first", [True, False])
@pytest.mark.parametrize("together", [True, False])
async def test_a_file_that_failed_and_provisioned_consumes_two_slots_in_either_order(
    replica: Replica, evidence: Evidence, batch_id: UUID, content_first: bool, together: bool
) -> None:
    both = [content(batch_id, "text", file_upload_id="file"), failure(batch_id, "file")]
    ordered = both if content_first else both[::-1]
    await replica.handle(registration(batch_id, 2))
    if together:
        await replica.handle(*ordered)
    else:
        await replica.handle(ordered[0])
        await replica.handle(ordered[1])
    assert await evidence.counts(batch_id) == (1, 1, 0)
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 1
    assert len(await evidence.announced(BatchContentProvisioningCompletedV1)) == 1


async def test_a_content_and_a_failure_of_equal_names_do_not_collide(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    """A text_storage_id may equal a file_upload_id: they name different things."""
    await replica.handle(content(batch_id, "same"), failure(batch_id, "same"))
    await replica.handle(registration(batch_id, 2))
    assert await evidence.counts(batch_id) == (1, 1, 0)
