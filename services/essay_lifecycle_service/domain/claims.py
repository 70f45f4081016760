"""Claims on slots: a content or a validation failure that wants one slot of its batch."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from rollcall import TraceContext
from rollcall_events import EssayContentProvisionedV1, EssayValidationFailedV1

Kind = Literal["content", "failure"]


@dataclass(slots=True)
class Claim:
    """What wants a slot. (batch_id, kind, identity) identifies it: equal ones are the same claim.

    A content is identified by its text_storage_id, a failure by its file_upload_id. A file that both
    failed and provisioned makes two claims: which of the two is right is not ours to guess, and the
    outcome must not depend on which arrives first.
    """

    batch_id: UUID
    kind: Kind
    identity: str
    file_upload_id: str
    original_file_name: str
    raw_file_storage_id: str | None
    file_size_bytes: int
    content_md5_hash: str | None
    validation_error_code: str | None
    validation_error_detail: str | None
    correlation_id: UUID
    first_seen_at: datetime | None = None
    """When it arrived, if it was pending before; None for one that has just arrived."""
    trace: TraceContext | None = None
    """What its announcement continues; None = it belongs to no trace."""

    @property
    def key(self) -> tuple[UUID, Kind, str]:
        """What identifies the claim."""
        return (self.batch_id, self.kind, self.identity)


def claim_of_content(
    content: EssayContentProvisionedV1,
    correlation_id: UUID,
    trace: TraceContext | None = None,
) -> Claim:
    """The claim of a content."""
    return Claim(
        content.batch_id,
        "content",
        content.text_storage_id,
        content.file_upload_id,
        content.original_file_name,
        content.raw_file_storage_id,
        content.file_size_bytes,
        content.content_md5_hash,
        None,
        None,
        correlation_id,
        None,
        trace,
    )


def claim_of_failure(
    failure: EssayValidationFailedV1,
    correlation_id: UUID,
    trace: TraceContext | None = None,
) -> Claim:
    """The claim of a validation failure: it consumes a slot of the same inventory."""
    return Claim(
        failure.batch_id,
        "failure",
        failure.file_upload_id,
        failure.file_upload_id,
        failure.original_file_name,
        failure.raw_file_storage_id,
        failure.file_size_bytes,
        None,
        failure.validation_error_code.value,
        failure.validation_error_detail,
        correlation_id,
        None,
        trace,
    )


def distinct(claims: Iterable[Claim]) -> list[Claim]:
    """Each claim once, the first of equal ones, in order of arrival."""
    found: dict[tuple[int, Kind, str], Claim] = {}
    for claim in claims:  # numbers are hashed at once, ids by a function of theirs
        found.setdefault((claim.batch_id.int, claim.kind, claim.identity), claim)
    return list(found.values())
