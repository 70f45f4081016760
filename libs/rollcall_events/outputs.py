"""The events that the essay lifecycle service sends."""

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime

from rollcall_events.envelope import Contract, EventData
from rollcall_events.fields import (
    Checksum,
    CourseCode,
    Detail,
    EssayCount,
    FileName,
    FileSize,
    Identifier,
    Instructions,
    ListOfEssays,
    SlotPosition,
    Text,
)
from rollcall_events.inputs import ValidationErrorCode


class ExcessReason(StrEnum):
    """Why a content got no slot."""

    NO_AVAILABLE_SLOT = "NO_AVAILABLE_SLOT"
    BATCH_CLOSED = "BATCH_CLOSED"


class ReadyEssay(Contract):
    """An essay and the content that fills its slot."""

    essay_id: Identifier
    text_storage_id: Identifier


class EssayValidationError(Contract):
    """An essay whose slot was taken by a validation failure."""

    essay_id: Identifier
    file_upload_id: Identifier
    original_file_name: FileName
    validation_error_code: ValidationErrorCode
    validation_error_detail: Detail


class EssaySlotAssignedV1(EventData):
    """A content holds a slot of its batch now, for good. Sent once for each filled slot."""

    event_type: ClassVar[str] = "EssaySlotAssignedV1"

    batch_id: UUID
    essay_id: Identifier
    text_storage_id: Identifier
    file_upload_id: Identifier
    original_file_name: FileName
    slot_position: SlotPosition
    raw_file_storage_id: Identifier
    file_size_bytes: FileSize
    content_md5_hash: Checksum | None = None


class ExcessContentProvisionedV1(EventData):
    """A content arrived for which its batch has no slot left. Sent once for each such content.

    BATCH_CLOSED: the open slots were given up at the batch's deadline, or the batch was purged.
    """

    event_type: ClassVar[str] = "ExcessContentProvisionedV1"

    batch_id: UUID
    text_storage_id: Identifier
    file_upload_id: Identifier
    original_file_name: FileName
    raw_file_storage_id: Identifier
    file_size_bytes: FileSize
    content_md5_hash: Checksum | None = None
    reason: ExcessReason


class BatchContentProvisioningCompletedV1(EventData):
    """The batch is complete. Sent once, after all slot events of the batch.

    Every slot is taken, unless the batch's deadline completed it: then the essays for which nothing
    came are listed as missing.
    """

    event_type: ClassVar[str] = "BatchContentProvisioningCompletedV1"

    batch_id: UUID
    expected_count: EssayCount
    provisioned_count: EssayCount
    failed_count: EssayCount
    course_code: CourseCode
    user_id: Identifier
    essays_for_processing: Annotated[tuple[ReadyEssay, ...], *ListOfEssays]
    missing_count: EssayCount = 0
    missing_essay_ids: Annotated[tuple[Identifier, ...], *ListOfEssays] = ()


class BatchEssaysReadyV1(EventData):
    """The essays of a completed batch to work on, with what the work needs to know. Sent once."""

    event_type: ClassVar[str] = "BatchEssaysReadyV1"

    batch_id: UUID
    ready_essays: Annotated[tuple[ReadyEssay, ...], *ListOfEssays]
    course_code: CourseCode
    essay_instructions: Instructions
    user_id: Identifier


class BatchValidationErrorsV1(EventData):
    """The essays of a completed batch that failed validation. Sent once, only if there are any."""

    event_type: ClassVar[str] = "BatchValidationErrorsV1"

    batch_id: UUID
    failed_count: EssayCount
    errors: Annotated[tuple[EssayValidationError, ...], *ListOfEssays]


class BatchReadinessTimeoutV1(EventData):
    """The batch's deadline passed with slots still open. Sent once.

    `policy` says what became of it: keep_open, complete_partial or close.
    """

    event_type: ClassVar[str] = "BatchReadinessTimeoutV1"

    batch_id: UUID
    expected_count: EssayCount
    provisioned_count: EssayCount
    failed_count: EssayCount
    open_count: EssayCount
    missing_essay_ids: Annotated[tuple[Identifier, ...], *ListOfEssays]
    timed_out_at: AwareDatetime
    policy: Annotated[str, Text(max_chars=64)]
