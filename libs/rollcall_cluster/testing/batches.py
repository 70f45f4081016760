"""The events of a plain batch, as its upstream sends them."""

import uuid
from datetime import UTC, datetime
from uuid import UUID

from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1, EventData


def registration(batch_id: UUID, slots: int) -> BatchEssaysRegisteredV1:
    """A batch of so many slots."""
    return BatchEssaysRegisteredV1(
        batch_id=batch_id,
        expected_essay_count=slots,
        essay_ids=tuple(f"essay-{number:05d}" for number in range(slots)),
        course_code="TST-101",
        essay_instructions="Discuss one source critically.",
        user_id="tester",
    )


def content(batch_id: UUID, number: int) -> EssayContentProvisionedV1:
    """The content of that number in its batch."""
    return EssayContentProvisionedV1(
        batch_id=batch_id,
        file_upload_id=f"upload-{batch_id}-{number:05d}",
        original_file_name=f"essay-{number:05d}.docx",
        raw_file_storage_id=f"raw-{number:05d}",
        text_storage_id=f"text-{number:05d}",
        file_size_bytes=18_432,
    )


def message(event: EventData) -> bytes:
    """An event as it is sent; its id is new."""
    envelope = event.enveloped(
        event_id=uuid.uuid4(),
        event_timestamp=datetime.now(UTC),
        source_service="rollcall-testing",
        correlation_id=uuid.uuid4(),
    )
    return envelope.model_dump_json().encode()
