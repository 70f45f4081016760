"""What is announced is what the contracts promise, though it is built without their checks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
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
    EventData,
    ExcessReason,
    ReadyEssay,
    ValidationErrorCode,
)
from tests.unit.essay_lifecycle.strategies import content_claims
from tests.unit.events.strategies import details, identifiers

NOW = datetime(2026, 1, 12, tzinfo=UTC)
BATCH = UUID("5b0f6a0e-3c1d-4f7e-9a51-2d6c8f0b7e11")
Slot = dict[str, Any]
NOTHING = dict.fromkeys(
    [
        "text_storage_id",
        "file_upload_id",
        "original_file_name",
        "validation_error_code",
        "validation_error_detail",
    ]
)
filled_slots = st.fixed_dictionaries(
    {"state": st.just("filled"), "essay_id": identifiers, "text_storage_id": identifiers}
)
failed_slots = st.fixed_dictionaries(
    {
        "state": st.just("failed"),
        "essay_id": identifiers,
        "file_upload_id": identifiers,
        "original_file_name": identifiers,
        "validation_error_code": st.sampled_from([code.value for code in ValidationErrorCode]),
        "validation_error_detail": details,
    }
)
missing_slots = st.fixed_dictionaries({"state": st.just("missing"), "essay_id": identifiers})
slots_of_complete_batches = st.lists(filled_slots | failed_slots | missing_slots, min_size=1)


def complete(slots: Sequence[Slot], *, page: int = 1000, batch_id: UUID = BATCH) -> CompletedBatch:
    """A batch whose slots are read `page` at a time."""
    batch = CompletedBatch(batch_id, BATCH, len(slots), "course", "instructions", "user")
    for first in range(0, len(slots), page):
        batch.add([NOTHING | slot for slot in slots[first : first + page]])
    return batch


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


@given(slots_of_complete_batches, st.integers(1, 5))
def test_a_completion_lists_every_slot_in_order_whatever_the_page(
    slots: list[Slot], page: int
) -> None:
    batch = complete(slots, page=page)
    completed, ready, *errors = map(read_back, completion(batch))
    assert isinstance(completed, BatchContentProvisioningCompletedV1)
    assert isinstance(ready, BatchEssaysReadyV1)
    essays = tuple(
        ReadyEssay(essay_id=slot["essay_id"], text_storage_id=slot["text_storage_id"])
        for slot in slots
        if slot["state"] == "filled"
    )
    assert completed.essays_for_processing == ready.ready_essays == essays
    missing = tuple(slot["essay_id"] for slot in slots if slot["state"] == "missing")
    assert completed.missing_essay_ids == missing
    failed = [slot for slot in slots if slot["state"] == "failed"]
    for event in errors:
        assert isinstance(event, BatchValidationErrorsV1)
        listed = [error.model_dump(mode="json") | {"state": "failed"} for error in event.errors]
        assert listed == failed
    counts = (completed.provisioned_count, completed.failed_count, completed.missing_count)
    assert counts == (len(essays), len(failed), len(missing))
    assert completed.expected_count == sum(counts)


@given(slots_of_complete_batches)
def test_errors_are_announced_exactly_when_there_are_any(slots: list[Slot]) -> None:
    announced = [type(event.data) for event in completion(complete(slots))]
    always = [BatchContentProvisioningCompletedV1, BatchEssaysReadyV1]
    failed = any(slot["state"] == "failed" for slot in slots)
    assert announced == ([*always, BatchValidationErrorsV1] if failed else always)


@given(content_claims, st.integers(0, 9_999), identifiers)
def test_the_same_work_done_again_gives_the_same_event_ids(
    claim: Claim, position: int, essay: str
) -> None:
    """Wherever it lands the second time: a consumer recognises it."""
    one = slot_assigned(Taken(claim, position, essay))
    two = slot_assigned(Taken(claim, 0, "other"))
    assert one.event_id == two.event_id
    assert one.event_id != excess_content(claim, ExcessReason.NO_AVAILABLE_SLOT).event_id


@given(slots_of_complete_batches, st.uuids().filter(lambda other: other != BATCH))
def test_events_of_a_completion_have_ids_of_their_own(slots: list[Slot], other: UUID) -> None:
    announced = completion(complete(slots))
    ids = {event.event_id for event in announced}
    assert len(ids) == len(announced)
    others = completion(complete(slots, batch_id=other))
    assert ids.isdisjoint(event.event_id for event in others)
    assert {event.key for event in others} == {str(other)}
