"""Rollcall's events: the envelope, every event model, the topics that carry them. Pure; no I/O."""

from rollcall_events.dead_letters import DeadLetterV1, Failure, Origin, RecordHeader
from rollcall_events.envelope import Contract, Envelope, EventData
from rollcall_events.fields import MAX_DEADLINE_SECONDS, MAX_ESSAYS_PER_BATCH
from rollcall_events.identity import dead_letter_event_id, deterministic_event_id
from rollcall_events.inputs import (
    BatchEssaysRegisteredV1,
    DeadlinePolicy,
    EssayContentProvisionedV1,
    EssayValidationFailedV1,
    ValidationErrorCode,
)
from rollcall_events.outputs import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchReadinessTimeoutV1,
    BatchValidationErrorsV1,
    EssaySlotAssignedV1,
    EssayValidationError,
    ExcessContentProvisionedV1,
    ExcessReason,
    ReadyEssay,
)
from rollcall_events.undecodable import Undecodable, classify, describe, type_given

__all__ = [
    "MAX_DEADLINE_SECONDS",
    "MAX_ESSAYS_PER_BATCH",
    "BatchContentProvisioningCompletedV1",
    "BatchEssaysReadyV1",
    "BatchEssaysRegisteredV1",
    "BatchReadinessTimeoutV1",
    "BatchValidationErrorsV1",
    "Contract",
    "DeadLetterV1",
    "DeadlinePolicy",
    "Envelope",
    "EssayContentProvisionedV1",
    "EssaySlotAssignedV1",
    "EssayValidationError",
    "EssayValidationFailedV1",
    "EventData",
    "ExcessContentProvisionedV1",
    "ExcessReason",
    "Failure",
    "Origin",
    "ReadyEssay",
    "RecordHeader",
    "Undecodable",
    "ValidationErrorCode",
    "classify",
    "dead_letter_event_id",
    "describe",
    "deterministic_event_id",
    "type_given",
]
