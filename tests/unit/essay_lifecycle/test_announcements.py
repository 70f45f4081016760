"""What is announced is what the contracts promise, though it is built without their checks."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from essay_lifecycle_service.domain.announcements import (
    CompletedBatch,
    completion,
    excess_content,
    slot_assigned,
)
from essay_lifecycle_service.domain.claims import Claim
from essay_lifecycle_service.domain.placement import Taken
from rollcall import Event
from rollcall.outbox.encoding import encode_event
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchValidationErrorsV1,
    EssayValidationError,
    EventData,
    ExcessReason,
    ReadyEssay,
    ValidationErrorCode,
)
from tests.unit.essay_lifecycle.strategies import content_claims
from tests.unit.events.strategies import details, identifiers

NOW = datetime(2026, 1, 12, tzinfo=UTC)
ready_essays = st.builds(ReadyEssay, essay_id=identifiers, text_storage_id=identifiers)
failed_essays = st.builds(
    EssayValidationError,
    essay_id=identifiers,
    file_upload_id=identifiers,
    original_file_name=identifiers,
    validation_error_code=st.sampled_from(ValidationErrorCode),
    validation_error_detail=details,
)


@st.composite
def complete_batches(draw: st.DrawFn) -> CompletedBatch:
    """Batches with at least one essay: ready, failed or missing."""
    ready = draw(st.lists(ready_essays, max_size=4))
    missing = draw(st.lists(identifiers, max_size=4))
    failed = draw(st.lists(failed_essays, min_size=0 if ready or missing else 1, max_size=4))
    return CompletedBatch(
        batch_id=draw(st.uuids()),
        correlation_id=draw(st.uuids()),
        expected_count=len(ready) + len(failed) + len(missing),
        course_code=draw(identifiers),
        essay_instructions=draw(details),
        user_id=draw(identifiers),
        ready=tuple(ready),
        failed=tuple(failed),
        missing=tuple(missing),
    )


def read_back(event: Event) -> EventData:
    """Decode an event as a consumer does, with every check of its contract."""
    value = encode_event(event, "topic", "els", NOW).value
    envelope = type(event.data).envelope().model_validate_json(value)
    assert (envelope.event_id, envelope.correlation_id) == (event.event_id, event.correlation_id)
    return envelope.data


@given(content_claims, st.integers(0, 9_999), identifiers)
def test_an_assigned_slot_reads_back_as_announced(claim: Claim, position: int, essay: str) -> None:
    event = slot_assigned(Taken(claim, position, essay))
    assert read_back(event) == event.data
    assert event.key == str(claim.batch_id)


@given(content_claims, st.sampled_from(ExcessReason))
def test_excess_reads_back_as_announced(claim: Claim, reason: ExcessReason) -> None:
    event = excess_content(claim, reason)
    assert read_back(event) == event.data
    assert event.key == str(claim.batch_id)


@given(complete_batches())
def test_a_completion_reads_back_as_announced(batch: CompletedBatch) -> None:
    for event in completion(batch):
        assert read_back(event) == event.data
        assert event.key == str(batch.batch_id)


@given(complete_batches())
def test_counts_of_a_completion_agree_with_its_lists(batch: CompletedBatch) -> None:
    completed = completion(batch)[0].data
    assert isinstance(completed, BatchContentProvisioningCompletedV1)
    assert completed.provisioned_count == len(completed.essays_for_processing)
    assert completed.missing_count == len(completed.missing_essay_ids)
    found = completed.provisioned_count + completed.failed_count + completed.missing_count
    assert found == completed.expected_count


@given(complete_batches())
def test_errors_are_announced_exactly_when_there_are_any(batch: CompletedBatch) -> None:
    announced: Sequence[type[EventData]] = [type(event.data) for event in completion(batch)]
    always = [BatchContentProvisioningCompletedV1, BatchEssaysReadyV1]
    assert announced == ([*always, BatchValidationErrorsV1] if batch.failed else always)


@given(content_claims, st.integers(0, 9_999), identifiers)
def test_the_same_work_done_again_gives_the_same_event_ids(
    claim: Claim, position: int, essay: str
) -> None:
    """Wherever it lands the second time: a consumer recognises it."""
    one = slot_assigned(Taken(claim, position, essay))
    two = slot_assigned(Taken(claim, 0, "other"))
    assert one.event_id == two.event_id
    assert one.event_id != excess_content(claim, ExcessReason.NO_AVAILABLE_SLOT).event_id


@given(complete_batches(), st.uuids())
def test_events_of_a_completion_have_ids_of_their_own(batch: CompletedBatch, other: UUID) -> None:
    ids = {event.event_id for event in completion(batch)}
    assert len(ids) == len(completion(batch))
    batch.batch_id = other if other != batch.batch_id else uuid.uuid4()
    assert ids.isdisjoint(event.event_id for event in completion(batch))
