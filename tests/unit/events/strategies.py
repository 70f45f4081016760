"""Hypothesis strategies of valid events."""

from datetime import UTC
from typing import Any

from hypothesis import strategies as st

from rollcall_events import (
    MAX_DEADLINE_SECONDS,
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchEssaysRegisteredV1,
    BatchReadinessTimeoutV1,
    BatchValidationErrorsV1,
    DeadLetterV1,
    DeadlinePolicy,
    EssayContentProvisionedV1,
    EssaySlotAssignedV1,
    EssayValidationError,
    EssayValidationFailedV1,
    EventData,
    ExcessContentProvisionedV1,
    ExcessReason,
    Failure,
    Origin,
    ReadyEssay,
    ValidationErrorCode,
)

_CHARACTERS = st.characters(exclude_characters="\x00", exclude_categories=("Cs",))
identifiers = st.text(_CHARACTERS, min_size=1, max_size=255)
details = st.text(_CHARACTERS, max_size=500)
instants = st.datetimes(timezones=st.just(UTC))
counts = st.integers(0, 10_000)
file_sizes = st.integers(0, 2**63 - 1)

_content: dict[str, st.SearchStrategy[Any]] = {
    "batch_id": st.uuids(),
    "file_upload_id": identifiers,
    "original_file_name": identifiers,
    "raw_file_storage_id": identifiers,
    "text_storage_id": identifiers,
    "file_size_bytes": file_sizes,
    "content_md5_hash": st.none() | st.text("0123456789abcdef", min_size=32, max_size=32),
}
_counts = {"expected_count": counts, "provisioned_count": counts, "failed_count": counts}
_course = {"batch_id": st.uuids(), "course_code": identifiers, "user_id": identifiers}
_ready = st.lists(
    st.builds(ReadyEssay, essay_id=identifiers, text_storage_id=identifiers), max_size=5
)
_failed = st.builds(
    EssayValidationError,
    essay_id=identifiers,
    file_upload_id=identifiers,
    original_file_name=identifiers,
    validation_error_code=st.sampled_from(ValidationErrorCode),
    validation_error_detail=details,
)


@st.composite
def registrations(draw: st.DrawFn) -> BatchEssaysRegisteredV1:
    """Registrations whose count agrees with their list."""
    essay_ids = draw(st.lists(identifiers, min_size=1, max_size=5, unique=True))
    course = {name: draw(values) for name, values in _course.items()}
    return BatchEssaysRegisteredV1(
        **course,
        essay_ids=essay_ids,
        expected_essay_count=len(essay_ids),
        essay_instructions=draw(details),
        readiness_deadline_seconds=draw(st.none() | st.integers(0, MAX_DEADLINE_SECONDS)),
        deadline_policy=draw(st.none() | st.sampled_from(DeadlinePolicy)),
    )


@st.composite
def dead_letters(draw: st.DrawFn) -> DeadLetterV1:
    """Dead letters of records with anything in them, their errors too."""
    anything = st.none() | st.binary(max_size=50)
    return DeadLetterV1.of_record(
        Origin(draw(identifiers), draw(counts), draw(file_sizes), draw(identifiers)),
        Failure("malformed", draw(st.text()), None, 1, draw(instants), "els-1"),
        key=draw(anything),
        value=draw(anything),
        headers=draw(st.lists(st.tuples(st.text(), anything), max_size=3)),
    )


events: st.SearchStrategy[EventData] = st.one_of(
    registrations(),
    st.builds(EssayContentProvisionedV1, **_content),
    st.builds(
        EssayValidationFailedV1,
        batch_id=st.uuids(),
        file_upload_id=identifiers,
        original_file_name=identifiers,
        raw_file_storage_id=st.none() | identifiers,
        validation_error_code=st.sampled_from(ValidationErrorCode),
        validation_error_detail=details,
        file_size_bytes=file_sizes,
    ),
    st.builds(
        EssaySlotAssignedV1, **_content, essay_id=identifiers, slot_position=st.integers(0, 9_999)
    ),
    st.builds(ExcessContentProvisionedV1, **_content, reason=st.sampled_from(ExcessReason)),
    st.builds(
        BatchContentProvisioningCompletedV1,
        **_course,
        **_counts,
        essays_for_processing=_ready,
        missing_count=counts,
        missing_essay_ids=st.lists(identifiers, max_size=5),
    ),
    st.builds(BatchEssaysReadyV1, **_course, ready_essays=_ready, essay_instructions=details),
    st.builds(
        BatchValidationErrorsV1,
        batch_id=st.uuids(),
        failed_count=counts,
        errors=st.lists(_failed, max_size=5),
    ),
    st.builds(
        BatchReadinessTimeoutV1,
        batch_id=st.uuids(),
        **_counts,
        open_count=counts,
        missing_essay_ids=st.lists(identifiers, max_size=5),
        timed_out_at=instants,
        policy=st.text("abc_", min_size=1, max_size=64),
    ),
    dead_letters(),
)
