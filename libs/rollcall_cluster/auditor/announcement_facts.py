"""What an event about a whole batch says, as a row of `announcement`. Pure."""

from functools import singledispatch
from typing import Any

from rollcall_cluster.auditor.digests import (
    context_digest,
    digest,
    essay_ids_digest,
    failed_item,
    ready_item,
    unordered,
)
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchReadinessTimeoutV1,
    BatchValidationErrorsV1,
    EventData,
    ReadyEssay,
)

Row = tuple[Any, ...]
_NO_DEADLINE = (None, None, None)


def announcement_row(
    data: Any, early: bool, log: int, offset: int, lane: int | None, rank: int | None
) -> Row:
    """A row of `announcement` for one of the events of a batch's completion or timeout."""
    model, *said = _said(data)
    return (data.batch_id.bytes, model, early, log, offset, lane, rank, *said)


@singledispatch
def _said(data: EventData) -> Row:
    """What it says, in the order of the columns; none if not said.

    Model; expected, filled and failed counts; context, instructions and list; open count, list of
    what is missing, policy.
    """
    raise TypeError(f"{type(data).__name__} is not about a whole batch")


@_said.register
def _(data: BatchContentProvisioningCompletedV1) -> Row:
    return (
        "completed",
        data.expected_count,
        data.provisioned_count,
        data.failed_count,
        context_digest(data.course_code, data.user_id),
        None,
        _ready_list(data.essays_for_processing),
        None,
        essay_ids_digest(data.missing_essay_ids),
        None,
    )


@_said.register
def _(data: BatchEssaysReadyV1) -> Row:
    return (
        "ready",
        None,
        None,
        None,
        context_digest(data.course_code, data.user_id),
        digest(data.essay_instructions),
        _ready_list(data.ready_essays),
        *_NO_DEADLINE,
    )


@_said.register
def _(data: BatchValidationErrorsV1) -> Row:
    items = (
        failed_item(
            error.essay_id,
            error.file_upload_id,
            error.original_file_name,
            error.validation_error_code.value,
            error.validation_error_detail,
        )
        for error in data.errors
    )
    said = (None, None, data.failed_count, None, None, unordered(sum(items)))
    return ("errors", *said, *_NO_DEADLINE)


@_said.register
def _(data: BatchReadinessTimeoutV1) -> Row:
    return (
        "timeout",
        data.expected_count,
        data.provisioned_count,
        data.failed_count,
        None,
        None,
        None,
        data.open_count,
        essay_ids_digest(data.missing_essay_ids),
        data.policy,
    )


def _ready_list(essays: tuple[ReadyEssay, ...]) -> int:
    items = (ready_item(essay.essay_id, essay.text_storage_id) for essay in essays)
    return unordered(sum(items))
