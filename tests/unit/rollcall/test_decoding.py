"""Every record becomes an event, a skip or a rejection with a reason; nothing raises."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.consumer.decoding import Decoder
from rollcall.consumer.records import Item, Partition, Received, Rejected, Skipped
from rollcall_events import EssayContentProvisionedV1, EssayValidationFailedV1
from tests.unit.rollcall.records import record

LIMIT_BYTES = 4096


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return Decoder([EssayContentProvisionedV1, EssayValidationFailedV1], LIMIT_BYTES)


def _decode(decoder: Decoder, value: bytes | None) -> Item:
    return decoder.decode(record(Partition("in", 0), 0, value))


def _content(**changes: object) -> bytes:
    data = {
        "batch_id": "6f0d2c1e-3b5a-4c6e-9a53-1f2b7c8d4e90",
        "file_upload_id": "upload",
        "original_file_name": "essay.txt",
        "raw_file_storage_id": "raw",
        "text_storage_id": "text",
        "file_size_bytes": 12,
    }
    envelope = {
        "event_id": "0f0d2c1e-3b5a-4c6e-9a53-1f2b7c8d4e90",
        "event_type": "EssayContentProvisionedV1",
        "event_timestamp": "2026-01-01T00:00:00Z",
        "source_service": "file-service",
        "schema_version": 1,
        "correlation_id": "1f0d2c1e-3b5a-4c6e-9a53-1f2b7c8d4e90",
        "data": data,
    }
    return orjson.dumps(envelope | changes)


def test_an_event_is_decoded_with_its_data(decoder: Decoder) -> None:
    item = _decode(decoder, _content())
    assert isinstance(item, Received)
    assert item.data.text_storage_id == "text"


def test_unknown_fields_are_accepted_and_kept_out(decoder: Decoder) -> None:
    item = _decode(decoder, _content(priority="high"))
    assert isinstance(item, Received)
    assert not hasattr(item.envelope, "priority")


def test_an_event_type_that_nobody_handles_is_skipped(decoder: Decoder) -> None:
    item = _decode(decoder, _content(event_type="EssayArchivedV1"))
    assert isinstance(item, Skipped)
    assert item.event_type == "EssayArchivedV1"


def test_a_second_type_of_the_topic_is_decoded_as_itself(decoder: Decoder) -> None:
    data = {
        "batch_id": "6f0d2c1e-3b5a-4c6e-9a53-1f2b7c8d4e90",
        "file_upload_id": "upload",
        "original_file_name": "essay.txt",
        "validation_error_code": "EMPTY_CONTENT",
        "validation_error_detail": "no text",
        "file_size_bytes": 0,
    }
    item = _decode(decoder, _content(event_type="EssayValidationFailedV1", data=data))
    assert isinstance(item, Received)
    assert isinstance(item.data, EssayValidationFailedV1)


@pytest.mark.parametrize(
    ("value", "error_type"),
    [
        (None, "empty_value"),
        (b"", "empty_value"),
        (b"not json", "malformed"),
        (b"[1]", "malformed"),
        (b"{}", "malformed"),
        (_content(schema_version=2), "unknown_schema_version"),
        (_content(data={"batch_id": 7}), "malformed"),
        (_content(event_timestamp="2026-01-01T00:00:00"), "malformed"),
        (_content(padding="x" * LIMIT_BYTES), "record_too_large"),
    ],
)
def test_a_broken_record_is_rejected_with_its_reason(
    decoder: Decoder, value: bytes | None, error_type: str
) -> None:
    item = _decode(decoder, value)
    assert isinstance(item, Rejected)
    assert item.error_type == error_type
    assert item.error_message


@given(st.binary(max_size=200))
def test_no_bytes_raise(value: bytes) -> None:
    decoder = Decoder([EssayContentProvisionedV1], LIMIT_BYTES)
    assert isinstance(_decode(decoder, value), Rejected | Skipped)
