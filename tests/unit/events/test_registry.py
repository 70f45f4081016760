"""The registry says of every topic what a cluster and a producer have to know."""

from uuid import UUID

import pytest

from rollcall_events import (
    MAX_ESSAYS_PER_BATCH,
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchReadinessTimeoutV1,
    BatchValidationErrorsV1,
    EssayContentProvisionedV1,
    EssayValidationError,
    EventData,
    ReadyEssay,
    ValidationErrorCode,
)
from rollcall_events.catalogue import event_models
from rollcall_events.fields import MAX_IDENTIFIER_CHARS, MAX_INSTRUCTIONS_CHARS
from rollcall_events.topics import (
    MAX_TAKEN_RECORD_BYTES,
    TOPICS,
    UnknownTopicError,
    topic_for,
    topic_named,
)

NAMES = {
    "batch.essays.registered.v1": "in",
    "file.essay.content.provisioned.v1": "in",
    "file.essay.validation.failed.v1": "in",
    "els.essay.slot.assigned.v1": "out",
    "els.excess.content.provisioned.v1": "out",
    "els.batch.content.provisioning.completed.v1": "out",
    "els.batch.essays.ready.v1": "out",
    "els.batch.validation.errors.v1": "out",
    "els.batch.readiness.timeout.v1": "out",
    "els.dead.letters.v1": "out",
    "els.relay.positions.v1": "internal",
}
_LONGEST = "\x01" * MAX_IDENTIFIER_CHARS  # JSON writes each as six bytes: no string is larger
_BATCH = UUID(int=1)


def test_names_and_directions() -> None:
    """The topics are those the contracts name."""
    assert {topic.name: topic.direction for topic in TOPICS} == NAMES


def test_every_event_has_one_topic() -> None:
    """An event is found by its model, a topic by its name."""
    models = event_models()
    assert len(models) == len(set(models)) == 10
    assert topic_for(EssayContentProvisionedV1) is topic_named("file.essay.content.provisioned.v1")


def test_unknown_topic_is_an_error_with_a_remedy() -> None:
    """Asking for what is not there says what is."""

    class StrangerV1(EventData):
        event_type = "StrangerV1"

    with pytest.raises(UnknownTopicError, match="no topic carries StrangerV1: add it"):
        topic_for(StrangerV1)
    with pytest.raises(UnknownTopicError, match=r"'els\.typo'; the registry has batch\.essays"):
        topic_named("els.typo")


def test_prefix_comes_first() -> None:
    """A deployment's prefix is put before the name, unchanged."""
    assert topic_named("els.dead.letters.v1").prefixed("t3f2a.") == "t3f2a.els.dead.letters.v1"


def test_settings_under_kafkas_names() -> None:
    """A topic can be created and checked from its entry alone."""
    assert topic_named("file.essay.content.provisioned.v1").config == {
        "cleanup.policy": "delete",
        "max.message.bytes": "4194304",
        "retention.ms": "604800000",
    }
    positions = topic_named("els.relay.positions.v1")
    assert positions.config["cleanup.policy"] == "compact"
    assert positions.config["retention.ms"] == "-1"


def test_inputs_let_through_what_is_too_large_to_take() -> None:
    """A record above our limit reaches us and ends as a dead letter, not as a producer's error."""
    inputs = [topic for topic in TOPICS if topic.direction == "in"]
    assert all(topic.max_message_bytes > 2 * MAX_TAKEN_RECORD_BYTES for topic in inputs)


def _registered_ids() -> list[str]:
    """Ids that fill the largest registration we take: about a hundred bytes each."""
    length = MAX_TAKEN_RECORD_BYTES // MAX_ESSAYS_PER_BATCH
    return [f"{n:0{length}}" for n in range(MAX_ESSAYS_PER_BATCH)]


def _largest_events() -> list[EventData]:
    ready = [ReadyEssay(essay_id=one, text_storage_id=_LONGEST) for one in _registered_ids()]
    failed = [
        EssayValidationError(
            essay_id=one,
            file_upload_id=_LONGEST,
            original_file_name=_LONGEST,
            validation_error_code=ValidationErrorCode.ENCRYPTED_FILE_UNSUPPORTED,
            validation_error_detail="\x01" * 500,
        )
        for one in _registered_ids()
    ]
    course = {"batch_id": _BATCH, "course_code": _LONGEST, "user_id": _LONGEST}
    counts = dict.fromkeys(("expected_count", "provisioned_count"), MAX_ESSAYS_PER_BATCH)
    return [
        BatchContentProvisioningCompletedV1(
            **course, **counts, failed_count=0, essays_for_processing=ready
        ),
        BatchEssaysReadyV1(
            **course, ready_essays=ready, essay_instructions="\x01" * MAX_INSTRUCTIONS_CHARS
        ),
        BatchValidationErrorsV1(batch_id=_BATCH, failed_count=len(failed), errors=failed),
        BatchReadinessTimeoutV1.model_construct(
            batch_id=_BATCH, missing_essay_ids=_registered_ids(), policy=_LONGEST
        ),
    ]


def test_largest_possible_event_fits_its_topic() -> None:
    """Whatever the inputs hold, a batch that completes can say so: else its lane would stand still."""
    for event in _largest_events():
        envelope_bytes = 2**16
        size = len(event.model_dump_json(warnings=False)) + envelope_bytes
        assert size <= topic_for(type(event)).max_message_bytes, event.event_type
