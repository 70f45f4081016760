"""The events that services upstream send us."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from rollcall_events.envelope import EventData
from rollcall_events.fields import (
    MAX_DETAIL_CHARS,
    MAX_ESSAYS_PER_BATCH,
    Checksum,
    CourseCode,
    DeadlineSeconds,
    Detail,
    FileName,
    FileSize,
    Identifier,
    Instructions,
    ListOfEssays,
)


class ValidationErrorCode(StrEnum):
    """Why a file gave no content."""

    EMPTY_CONTENT = "EMPTY_CONTENT"
    CONTENT_TOO_SHORT = "CONTENT_TOO_SHORT"
    CONTENT_TOO_LONG = "CONTENT_TOO_LONG"
    RAW_STORAGE_FAILED = "RAW_STORAGE_FAILED"
    TEXT_EXTRACTION_FAILED = "TEXT_EXTRACTION_FAILED"
    ENCRYPTED_FILE_UNSUPPORTED = "ENCRYPTED_FILE_UNSUPPORTED"
    UNKNOWN_VALIDATION_ERROR = "UNKNOWN_VALIDATION_ERROR"


class DeadlinePolicy(StrEnum):
    """What becomes of a batch whose deadline passes while slots are open.

    keep_open: nothing but the announcement; complete_partial: it completes with what is there;
    close: it ends without completing.
    """

    KEEP_OPEN = "keep_open"
    COMPLETE_PARTIAL = "complete_partial"
    CLOSE = "close"


def _cut(detail: Any) -> Any:
    return detail[:MAX_DETAIL_CHARS] if isinstance(detail, str) else detail


class BatchEssaysRegisteredV1(EventData):
    """A batch was opened. It expects one content or failure per essay; slots are in this order.

    A batch may have a deadline of its own, in seconds from its registration (0: none), and its own
    policy; what is not said is as the service is set up.
    """

    event_type: ClassVar[str] = "BatchEssaysRegisteredV1"

    batch_id: UUID
    expected_essay_count: Annotated[int, Field(ge=1, le=MAX_ESSAYS_PER_BATCH)]
    essay_ids: Annotated[
        tuple[Identifier, ...], *ListOfEssays, Field(json_schema_extra={"uniqueItems": True})
    ]
    course_code: CourseCode
    essay_instructions: Instructions
    user_id: Identifier
    readiness_deadline_seconds: DeadlineSeconds | None = None
    deadline_policy: DeadlinePolicy | None = None

    @model_validator(mode="after")
    def _essays_agree(self) -> Self:
        listed, distinct = len(self.essay_ids), len(set(self.essay_ids))
        if listed != self.expected_essay_count:
            raise PydanticCustomError(
                "essay_count_mismatch",
                "expected_essay_count is {expected} but essay_ids lists {listed}",
                {"expected": self.expected_essay_count, "listed": listed},
            )
        if distinct != listed:
            raise PydanticCustomError(
                "essay_ids_repeated",
                "essay_ids must be unique: {repeated} of {listed} are repetitions",
                {"repeated": listed - distinct, "listed": listed},
            )
        return self


class EssayContentProvisionedV1(EventData):
    """The text of one essay was extracted and stored. Identified by (batch_id, text_storage_id)."""

    event_type: ClassVar[str] = "EssayContentProvisionedV1"

    batch_id: UUID
    file_upload_id: Identifier
    original_file_name: FileName
    raw_file_storage_id: Identifier
    text_storage_id: Identifier
    file_size_bytes: FileSize
    content_md5_hash: Checksum | None = None


class EssayValidationFailedV1(EventData):
    """A file of the batch gave no usable text. Identified by (batch_id, file_upload_id).

    A `validation_error_detail` longer than 500 characters is cut, not refused: an upstream that is
    verbose about an error must not keep its batch from completing.
    """

    event_type: ClassVar[str] = "EssayValidationFailedV1"

    batch_id: UUID
    file_upload_id: Identifier
    original_file_name: FileName
    raw_file_storage_id: Identifier | None = None
    validation_error_code: ValidationErrorCode
    validation_error_detail: Annotated[Detail, BeforeValidator(_cut)]
    file_size_bytes: FileSize
