"""Every bad input is refused, and the error says where and why."""

from datetime import datetime
from uuid import UUID

import orjson
import pytest
from pydantic import ValidationError

from rollcall_events import (
    MAX_ESSAYS_PER_BATCH,
    BatchEssaysRegisteredV1,
    EssayContentProvisionedV1,
    EssayValidationFailedV1,
    EventData,
    describe,
)
from rollcall_events.catalogue import event_models, golden_example
from tests.unit.events.messages import changed, refusal, without

CONTENT_STRINGS = (
    "file_upload_id",
    "original_file_name",
    "raw_file_storage_id",
    "text_storage_id",
    "content_md5_hash",
)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("data.batch_id", "batch-1", "data.batch_id: Input should be a valid UUID"),
        ("data.batch_id", None, "data.batch_id: UUID input should be"),
        ("data.text_storage_id", 7, "data.text_storage_id: Input should be a valid string"),
        ("data.text_storage_id", "", "data.text_storage_id: String should have at least 1"),
        ("data.text_storage_id", "x" * 256, "String should have at most 255 characters"),
        ("data.file_size_bytes", "18432", "data.file_size_bytes: Input should be a valid integer"),
        ("data.file_size_bytes", 1.0, "data.file_size_bytes: Input should be a valid integer"),
        ("data.file_size_bytes", True, "data.file_size_bytes: Input should be a valid integer"),
        ("data.file_size_bytes", -1, "Input should be greater than or equal to 0"),
        (
            "data.file_size_bytes",
            2**63,
            "Input should be less than or equal to 9223372036854775807",
        ),
        ("data", [], "data: Input should be an object"),
        ("event_id", "1", "event_id: Input should be a valid UUID"),
        ("event_timestamp", "2026-01-12T08:30:00", "Input should have timezone info"),
        ("event_timestamp", 1768206600, "event_timestamp: Input should be a valid datetime"),
        ("source_service", "", "source_service: String should have at least 1 character"),
        ("correlation_id", "none", "correlation_id: Input should be a valid UUID"),
        ("metadata", {"traceparent": 1}, "metadata.traceparent: Input should be a valid string"),
        ("metadata", {"a": "b\x00"}, "metadata.a: String must not contain the NUL character"),
        ("metadata", {f"k{n}": "" for n in range(65)}, "metadata: Dictionary should have at most"),
    ],
)
def test_bad_content_event_is_refused(path: str, value: object, said: str) -> None:
    """A wrong type or value in a content event is named with its place."""
    error = refusal(EssayContentProvisionedV1, changed(EssayContentProvisionedV1, path, value))
    assert said in describe(error)


@pytest.mark.parametrize("field", CONTENT_STRINGS)
def test_nul_is_refused_in_every_string_of_content(field: str) -> None:
    """PostgreSQL cannot store NUL, so no string may hold one; the error says just that."""
    message = changed(EssayContentProvisionedV1, f"data.{field}", "a\x00b")
    said = describe(refusal(EssayContentProvisionedV1, message))
    assert said == f"data.{field}: String must not contain the NUL character (U+0000)"


@pytest.mark.parametrize("model", event_models(), ids=lambda model: model.event_type)
def test_nul_is_refused_wherever_a_string_stands(model: type[EventData]) -> None:
    """No event lets NUL through in any of its strings."""
    data = orjson.loads(golden_example(model))["data"]
    for field in (name for name, value in data.items() if isinstance(value, str)):
        with pytest.raises(ValidationError):
            model.envelope().model_validate_json(changed(model, f"data.{field}", "\x00"))


@pytest.mark.parametrize("value", [b"", b"null", b"[]", b'"text"', b"{", b"\xff\xfe", b"not JSON"])
def test_what_is_not_an_object_is_refused(value: bytes) -> None:
    """Anything that is not a JSON object is refused by the same error type as the rest."""
    assert describe(refusal(EssayContentProvisionedV1, value))


def test_a_lone_surrogate_is_refused() -> None:
    """Text that is no Unicode, which nothing behind us could store, does not come in."""
    whole = changed(EssayContentProvisionedV1, "data.original_file_name", "a.txt")
    message = whole.replace(b"a.txt", rb"\ud800.txt")
    assert "Invalid JSON" in describe(refusal(EssayContentProvisionedV1, message))


@pytest.mark.parametrize("field", ["batch_id", "file_upload_id", "text_storage_id"])
def test_missing_field_is_named(field: str) -> None:
    """A field left out is named."""
    error = refusal(EssayContentProvisionedV1, without(EssayContentProvisionedV1, f"data.{field}"))
    assert describe(error) == f"data.{field}: Field required"


def test_hash_may_be_left_out_and_unknown_fields_are_dropped() -> None:
    """Optional fields are optional, and what we do not know is kept out, not refused."""
    envelope = EssayContentProvisionedV1.envelope().model_validate_json(
        changed(EssayContentProvisionedV1, "data.new_field", {"of": ["tomorrow"]})
    )
    assert "new_field" not in envelope.data.model_dump()
    bare = without(EssayContentProvisionedV1, "data.content_md5_hash")
    assert (
        EssayContentProvisionedV1.envelope().model_validate_json(bare).data.content_md5_hash is None
    )


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("expected_essay_count", 0, "greater than or equal to 1"),
        ("expected_essay_count", -3, "greater than or equal to 1"),
        ("expected_essay_count", MAX_ESSAYS_PER_BATCH + 1, "less than or equal to 10000"),
        ("expected_essay_count", 2, "expected_essay_count is 2 but essay_ids lists 3"),
        ("essay_ids", ["a", "b", "a"], "essay_ids must be unique: 1 of 3 are repetitions"),
        ("essay_ids", ["a", "b", ""], "data.essay_ids.2: String should have at least 1 character"),
        ("essay_ids", ["a", "b", "\x00"], "data.essay_ids.2: String must not contain the NUL"),
        ("essay_ids", ["a", 2, 3], "data.essay_ids.1: Input should be a valid string"),
        ("essay_ids", "abc", "data.essay_ids: Input should be a valid"),
        ("essay_ids", [], "expected_essay_count is 3 but essay_ids lists 0"),
        ("essay_instructions", "x" * 100_001, "at most 100000 characters"),
        ("course_code", "", "data.course_code: String should have at least 1 character"),
        ("user_id", None, "data.user_id: Input should be a valid string"),
    ],
)
def test_bad_registration_is_refused(field: str, value: object, said: str) -> None:
    """A registration whose numbers, ids or texts cannot be right is named with its fault."""
    message = changed(BatchEssaysRegisteredV1, f"data.{field}", value)
    assert said in describe(refusal(BatchEssaysRegisteredV1, message))


def test_unknown_error_code_is_refused() -> None:
    """Error codes are a closed set."""
    message = changed(EssayValidationFailedV1, "data.validation_error_code", "TOO_BORING")
    assert "data.validation_error_code: Input should be 'EMPTY_CONTENT'" in describe(
        refusal(EssayValidationFailedV1, message)
    )


def test_verbose_error_detail_is_cut_not_refused() -> None:
    """An upstream that writes novels about an error still gets its failure counted."""
    message = changed(EssayValidationFailedV1, "data.validation_error_detail", "x" * 9_000)
    envelope = EssayValidationFailedV1.envelope().model_validate_json(message)
    assert envelope.data.validation_error_detail == "x" * 500


def test_largest_batch_is_taken() -> None:
    """A batch of exactly the limit is a batch."""
    registration = BatchEssaysRegisteredV1(
        batch_id=UUID(int=1),
        expected_essay_count=MAX_ESSAYS_PER_BATCH,
        essay_ids=[f"essay-{n}" for n in range(MAX_ESSAYS_PER_BATCH)],
        course_code="HIS-101",
        essay_instructions="",
        user_id="teacher",
    )
    assert len(registration.essay_ids) == MAX_ESSAYS_PER_BATCH


def test_naive_timestamp_cannot_be_sent() -> None:
    """Our own code cannot send a time without its zone either."""
    event = EssayContentProvisionedV1.envelope().model_validate_json(
        golden_example(EssayContentProvisionedV1)
    )
    with pytest.raises(ValidationError, match="timezone"):
        event.data.enveloped(
            event_id=event.event_id,
            event_timestamp=datetime(2026, 1, 12),  # noqa: DTZ001
            source_service="x",
            correlation_id=event.correlation_id,
        )


def test_events_are_immutable() -> None:
    """An event, once made, stays what it is."""
    event = EssayContentProvisionedV1.envelope().model_validate_json(
        golden_example(EssayContentProvisionedV1)
    )
    with pytest.raises(ValidationError, match="frozen"):
        event.data.file_size_bytes = 1  # type: ignore[misc]
