"""Events of the small world."""

from typing import Any
from uuid import UUID

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchEssaysRegisteredV1,
    BatchReadinessTimeoutV1,
    BatchValidationErrorsV1,
    DeadLetterV1,
    EssayContentProvisionedV1,
    EssaySlotAssignedV1,
    EssayValidationFailedV1,
    EventData,
    ExcessContentProvisionedV1,
    ExcessReason,
    ValidationErrorCode,
)
from tests.unit.auditor.world import GROUP, NOW, Record, Row, World


def registration(batch: UUID, essays: int, **changes: Any) -> BatchEssaysRegisteredV1:
    """A registration of so many essays."""
    values = {
        "batch_id": batch,
        "expected_essay_count": essays,
        "essay_ids": tuple(f"essay-{number}" for number in range(essays)),
        "course_code": "SV1",
        "essay_instructions": "Write.",
        "user_id": "teacher",
    }
    return BatchEssaysRegisteredV1(**values | changes)


def content(batch: UUID, text: str, **changes: Any) -> EssayContentProvisionedV1:
    """A content."""
    values = {
        "batch_id": batch,
        "file_upload_id": f"file-of-{text}",
        "original_file_name": f"{text}.docx",
        "raw_file_storage_id": f"raw-{text}",
        "text_storage_id": text,
        "file_size_bytes": 100,
        "content_md5_hash": "d41d8cd98f00b204e9800998ecf8427e",
    }
    return EssayContentProvisionedV1(**values | changes)


def failure(batch: UUID, file: str) -> EssayValidationFailedV1:
    """A validation failure."""
    return EssayValidationFailedV1(
        batch_id=batch,
        file_upload_id=file,
        original_file_name=f"{file}.docx",
        validation_error_code=ValidationErrorCode.EMPTY_CONTENT,
        validation_error_detail="nothing in it",
        file_size_bytes=0,
    )


def assigned(slot: Row, **changes: Any) -> EssaySlotAssignedV1:
    """The announcement of a filled slot."""
    names = (
        "batch_id",
        "essay_id",
        "text_storage_id",
        "file_upload_id",
        "original_file_name",
        "raw_file_storage_id",
        "file_size_bytes",
        "content_md5_hash",
    )
    values = {name: slot[name] for name in names} | {"slot_position": slot["position"]}
    return EssaySlotAssignedV1(**values | changes)


def excess(
    row: Row, reason: ExcessReason = ExcessReason.NO_AVAILABLE_SLOT
) -> ExcessContentProvisionedV1:
    """The announcement of an excess content."""
    names = (
        "batch_id",
        "file_upload_id",
        "original_file_name",
        "raw_file_storage_id",
        "file_size_bytes",
        "content_md5_hash",
    )
    return ExcessContentProvisionedV1(
        **{name: row[name] for name in names},
        text_storage_id=row["identity"],
        reason=reason,
    )


def completion(world: World, batch: UUID) -> list[EventData]:
    """The announcements of a complete batch."""
    row = world.row("batch", batch_id=batch)
    slots = [slot for slot in world.tables["slot"] if slot["batch_id"] == batch]
    context = {"batch_id": batch, "course_code": row["course_code"], "user_id": row["user_id"]}
    ready = [
        {"essay_id": s["essay_id"], "text_storage_id": s["text_storage_id"]}
        for s in slots
        if s["state"] == "filled"
    ]
    errors = [
        {
            "essay_id": s["essay_id"],
            "file_upload_id": s["file_upload_id"],
            "original_file_name": s["original_file_name"],
            "validation_error_code": ValidationErrorCode(s["validation_error_code"]),
            "validation_error_detail": s["validation_error_detail"],
        }
        for s in slots
        if s["state"] == "failed"
    ]
    missing = [s["essay_id"] for s in slots if s["state"] == "missing"]
    events: list[EventData] = [
        BatchContentProvisioningCompletedV1(
            **context,
            expected_count=len(slots),
            provisioned_count=len(ready),
            failed_count=len(errors),
            essays_for_processing=ready,
            missing_count=len(missing),
            missing_essay_ids=missing,
        ),
        BatchEssaysReadyV1(
            **context, ready_essays=ready, essay_instructions=row["essay_instructions"]
        ),
    ]
    if errors:
        events.append(
            BatchValidationErrorsV1(batch_id=batch, failed_count=len(errors), errors=errors)
        )
    return events


def timeout(world: World, batch: UUID, **changes: Any) -> BatchReadinessTimeoutV1:
    """The announcement of a deadline that passed, when the batch has its counts of that moment."""
    row = world.row("batch", batch_id=batch)
    slots = [slot for slot in world.tables["slot"] if slot["batch_id"] == batch]
    open_slots = [slot["essay_id"] for slot in slots if slot["state"] in ("open", "missing")]
    values = {
        "batch_id": batch,
        "expected_count": row["expected_count"],
        "provisioned_count": row["filled_count"],
        "failed_count": row["failed_count"],
        "open_count": len(open_slots),
        "missing_essay_ids": open_slots,
        "timed_out_at": NOW,
        "policy": row["deadline_policy"] or "keep_open",
    }
    return BatchReadinessTimeoutV1(**values | changes)


def letter(world: World, record: Record, **changes: Any) -> DeadLetterV1:
    """The announcement of a dead letter."""
    values = {
        "origin_topic": world.prefix + record.topic,
        "origin_partition": record.partition,
        "origin_offset": record.offset,
        "consumer_group": GROUP,
        "error_type": "malformed",
        "error_message": "broken",
        "attempts": 1,
        "first_seen_at": NOW,
        "instance_id": "test",
    }
    return DeadLetterV1(**values | changes)
