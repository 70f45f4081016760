"""The events that announce slots, excess and completion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from essay_lifecycle_service.domain.claims import Claim
from essay_lifecycle_service.domain.deadline import DueBatch
from essay_lifecycle_service.domain.placement import Taken
from rollcall import Event, JsonArray, TraceContext
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchReadinessTimeoutV1,
    BatchValidationErrorsV1,
    EssaySlotAssignedV1,
    EventData,
    ExcessContentProvisionedV1,
    ExcessReason,
    ValidationErrorCode,
    deterministic_event_id,
)


@dataclass(slots=True)
class CompletedBatch:
    """A batch that has no open slot any more, with all that its announcement says.

    Its essays are added in order of position, as many at a time as the reader likes.
    """

    batch_id: UUID
    correlation_id: UUID
    expected_count: int
    course_code: str
    essay_instructions: str
    user_id: str
    ready: JsonArray = field(default_factory=JsonArray)
    failed: JsonArray = field(default_factory=JsonArray)
    missing: JsonArray = field(default_factory=JsonArray)

    def add(self, slots: Sequence[Mapping[str, Any]]) -> None:
        """Take in the rows of further slots, each ready, failed or missing."""
        self.ready.extend([_ready(slot) for slot in slots if slot["state"] == "filled"])
        self.failed.extend([_failed(slot) for slot in slots if slot["state"] == "failed"])
        self.missing.extend([slot["essay_id"] for slot in slots if slot["state"] == "missing"])


def _ready(slot: Mapping[str, Any]) -> dict[str, str]:
    """A `ReadyEssay`."""
    return {"essay_id": slot["essay_id"], "text_storage_id": slot["text_storage_id"]}


def _failed(slot: Mapping[str, Any]) -> dict[str, str]:
    """An `EssayValidationError`; a code that is none of the contract's raises ValueError."""
    return {
        "essay_id": slot["essay_id"],
        "file_upload_id": slot["file_upload_id"],
        "original_file_name": slot["original_file_name"],
        "validation_error_code": ValidationErrorCode(slot["validation_error_code"]).value,
        "validation_error_detail": slot["validation_error_detail"],
    }


def slot_assigned(taken: Taken) -> Event:
    """The one announcement of a filled slot."""
    claim = taken.claim
    fields = _content(claim)
    fields["essay_id"] = taken.essay_id
    fields["slot_position"] = taken.position
    data = EssaySlotAssignedV1.of_known(fields)
    causes = (claim.trace,) if claim.trace else ()
    return _event(data, claim.batch_id, claim.correlation_id, claim.identity, causes)


def excess_content(claim: Claim, reason: ExcessReason) -> Event:
    """The one announcement of a content for which no slot is left."""
    data = ExcessContentProvisionedV1.of_known(_content(claim) | {"reason": reason})
    causes = (claim.trace,) if claim.trace else ()
    return _event(data, claim.batch_id, claim.correlation_id, claim.identity, causes)


def completion(batch: CompletedBatch, causes: tuple[TraceContext, ...] = ()) -> list[Event]:
    """The announcements of a complete batch; validation errors only if there are any."""
    announced: list[EventData] = [
        BatchContentProvisioningCompletedV1.of_known(
            {
                "batch_id": batch.batch_id,
                "expected_count": batch.expected_count,
                "provisioned_count": len(batch.ready),
                "failed_count": len(batch.failed),
                "course_code": batch.course_code,
                "user_id": batch.user_id,
                "essays_for_processing": batch.ready,
                "missing_count": len(batch.missing),
                "missing_essay_ids": batch.missing,
            }
        ),
        BatchEssaysReadyV1.of_known(
            {
                "batch_id": batch.batch_id,
                "ready_essays": batch.ready,
                "course_code": batch.course_code,
                "essay_instructions": batch.essay_instructions,
                "user_id": batch.user_id,
            }
        ),
    ]
    if batch.failed:
        announced.append(
            BatchValidationErrorsV1.of_known(
                {
                    "batch_id": batch.batch_id,
                    "failed_count": len(batch.failed),
                    "errors": batch.failed,
                }
            )
        )
    return [_event(data, batch.batch_id, batch.correlation_id, causes=causes) for data in announced]


def readiness_timeout(batch: DueBatch, missing: Sequence[str]) -> Event:
    """The one announcement of a deadline that passed; `missing`: the essays open at that moment."""
    data = BatchReadinessTimeoutV1.model_construct(
        batch_id=batch.batch_id,
        expected_count=batch.expected_count,
        provisioned_count=batch.filled_count,
        failed_count=batch.failed_count,
        open_count=batch.open_count,
        missing_essay_ids=tuple(missing),
        timed_out_at=batch.timed_out_at,
        policy=batch.deadline_policy,
    )
    return _event(data, batch.batch_id, batch.correlation_id)


def _content(claim: Claim) -> dict[str, Any]:
    """What both announcements of a content repeat of it."""
    return {
        "batch_id": claim.batch_id,
        "text_storage_id": claim.identity,
        "file_upload_id": claim.file_upload_id,
        "original_file_name": claim.original_file_name,
        "raw_file_storage_id": claim.raw_file_storage_id,
        "file_size_bytes": claim.file_size_bytes,
        "content_md5_hash": claim.content_md5_hash,
    }


def _event(
    data: EventData,
    batch_id: UUID,
    correlation_id: UUID,
    content: str = "",
    causes: tuple[TraceContext, ...] = (),
) -> Event:
    batch = _in_text(batch_id.int)
    event_id = deterministic_event_id(data.event_type, batch, content)
    return Event(data, event_id, correlation_id, batch, causes)


@lru_cache(maxsize=1024)
def _in_text(batch_id: int) -> str:
    """A batch's id as text, made once for its many events."""
    return str(UUID(int=batch_id))
