"""Rows of the service's tables, as a correct service writes them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from rollcall_events import (
    BatchEssaysRegisteredV1,
    DeadlinePolicy,
)
from tests.unit.auditor.events import (
    registration,
)
from tests.unit.auditor.world import NOW, SPACE, Row

DEADLINE_SECONDS = 3600

_CLAIM = (
    "file_upload_id",
    "original_file_name",
    "raw_file_storage_id",
    "file_size_bytes",
    "content_md5_hash",
    "validation_error_code",
    "validation_error_detail",
)


def claim_of(row: Row) -> Row:
    """The columns of a row that are its claim's."""
    return {column: row[column] for column in _CLAIM}


def registered(batch: UUID, essays: int, policy: DeadlinePolicy | None) -> BatchEssaysRegisteredV1:
    """A registration, with a deadline if it has a policy."""
    if policy is None:
        return registration(batch, essays)
    deadline = {"readiness_deadline_seconds": DEADLINE_SECONDS, "deadline_policy": policy}
    return registration(batch, essays, **deadline)


def batch_row(data: BatchEssaysRegisteredV1) -> Row:
    """A row of `batch`, just registered."""
    seconds, policy = data.readiness_deadline_seconds, data.deadline_policy
    return {
        "batch_id": data.batch_id,
        "expected_count": data.expected_essay_count,
        "open_count": data.expected_essay_count,
        "filled_count": 0,
        "failed_count": 0,
        "missing_count": 0,
        "state": "open",
        "course_code": data.course_code,
        "essay_instructions": data.essay_instructions,
        "user_id": data.user_id,
        "correlation_id": SPACE,
        "registration_digest": b"",
        "registered_at": NOW,
        "completed_at": None,
        "deadline_at": NOW + timedelta(seconds=seconds) if seconds else None,
        "deadline_policy": policy.value if policy else None,
        "timed_out_at": None,
        "closed_at": None,
        "forced_at": None,
        "purged_at": None,
    }


def slot_row(data: BatchEssaysRegisteredV1, position: int) -> Row:
    """A row of `slot`, open."""
    return {
        "batch_id": data.batch_id,
        "position": position,
        "essay_id": data.essay_ids[position],
        "state": "open",
        "text_storage_id": None,
        "file_upload_id": None,
        "original_file_name": None,
        "raw_file_storage_id": None,
        "file_size_bytes": None,
        "content_md5_hash": None,
        "validation_error_code": None,
        "validation_error_detail": None,
    }


def unplaced_row(batch: UUID, kind: str, identity: str, outcome: str, **claim: Any) -> Row:
    """A row of `unplaced`."""
    return {
        "batch_id": batch,
        "kind": kind,
        "identity": identity,
        "outcome": outcome,
        "content_md5_hash": None,
        "validation_error_code": None,
        "validation_error_detail": None,
        "correlation_id": SPACE,
        "first_seen_at": NOW - timedelta(hours=1),
    } | claim
