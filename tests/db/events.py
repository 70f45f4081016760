"""Input events with plausible contents, for tests that care about two or three of their fields."""

import uuid
from datetime import UTC, datetime
from uuid import UUID

from rollcall_events import (
    BatchEssaysRegisteredV1,
    EssayContentProvisionedV1,
    EssayValidationFailedV1,
    EventData,
    ValidationErrorCode,
)

CORRELATION_ID = UUID("0c9a7a52-5f0e-4f3b-8f0a-6d1f1c2b3a44")


def essay_id(position: int) -> str:
    """The id of the essay whose slot is at `position`."""
    return f"essay-{position:05d}"


def registration(batch_id: UUID, slots: int, **changes: object) -> BatchEssaysRegisteredV1:
    """A batch with so many slots."""
    fields: dict[str, object] = {
        "batch_id": batch_id,
        "expected_essay_count": slots,
        "essay_ids": [essay_id(position) for position in range(slots)],
        "course_code": "HIS-101",
        "essay_instructions": "Discuss one source critically.",
        "user_id": "teacher-17",
    }
    return BatchEssaysRegisteredV1.model_validate(fields | changes)


def content(batch_id: UUID, text: str, **changes: object) -> EssayContentProvisionedV1:
    """A content identified by `text`, of a file of its own unless told otherwise."""
    fields: dict[str, object] = {
        "batch_id": batch_id,
        "file_upload_id": f"file-of-{text}",
        "original_file_name": f"{text}.docx",
        "raw_file_storage_id": f"raw-of-{text}",
        "text_storage_id": text,
        "file_size_bytes": 18_432,
        "content_md5_hash": "9e107d9d372bb6826bd81d3542a419d6",
    }
    return EssayContentProvisionedV1.model_validate(fields | changes)


def contents(batch_id: UUID, count: int, first: int = 0) -> list[EssayContentProvisionedV1]:
    """Distinct contents of a batch: text-00000, text-00001, ..."""
    return [content(batch_id, f"text-{number:05d}") for number in range(first, first + count)]


def failure(batch_id: UUID, file: str, **changes: object) -> EssayValidationFailedV1:
    """A validation failure of the file `file`."""
    fields: dict[str, object] = {
        "batch_id": batch_id,
        "file_upload_id": file,
        "original_file_name": f"{file}.docx",
        "raw_file_storage_id": None,
        "validation_error_code": ValidationErrorCode.EMPTY_CONTENT,
        "validation_error_detail": "no text found",
        "file_size_bytes": 0,
    }
    return EssayValidationFailedV1.model_validate(fields | changes)


def message(data: EventData, correlation_id: UUID = CORRELATION_ID) -> bytes:
    """The event as it stands in its topic."""
    envelope = data.enveloped(
        event_id=uuid.uuid4(),
        event_timestamp=datetime.now(UTC),
        source_service="test",
        correlation_id=correlation_id,
    )
    return envelope.model_dump_json().encode()
