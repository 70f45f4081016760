"""Unknown type, unknown version and malformed are told apart, from the one error of the one decode."""

import pytest

from rollcall_events import (
    BatchEssaysRegisteredV1,
    EssayContentProvisionedV1,
    Undecodable,
    classify,
    describe,
    type_given,
)
from rollcall_events.catalogue import golden_example
from tests.unit.events.messages import changed, refusal, without

MODEL = EssayContentProvisionedV1


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (changed(MODEL, "event_type", "SomethingElseV1"), Undecodable.UNKNOWN_TYPE),
        (golden_example(BatchEssaysRegisteredV1), Undecodable.UNKNOWN_TYPE),
        (b'{"event_type": "Other", "schema_version": 9}', Undecodable.UNKNOWN_TYPE),
        (b'{"event_type": "Other", "score": NaN}', Undecodable.UNKNOWN_TYPE),
        (changed(MODEL, "schema_version", 2), Undecodable.UNKNOWN_VERSION),
        (changed(MODEL, "schema_version", 0), Undecodable.UNKNOWN_VERSION),
        (changed(MODEL, "schema_version", "1"), Undecodable.MALFORMED),
        (changed(MODEL, "schema_version", 1.0), Undecodable.MALFORMED),
        (changed(MODEL, "schema_version", True), Undecodable.MALFORMED),
        (changed(MODEL, "event_type", 5), Undecodable.MALFORMED),
        (changed(MODEL, "event_type", None), Undecodable.MALFORMED),
        (without(MODEL, "event_type"), Undecodable.MALFORMED),
        (without(MODEL, "schema_version"), Undecodable.MALFORMED),
        (changed(MODEL, "data.file_size_bytes", "many"), Undecodable.MALFORMED),
        (b"", Undecodable.MALFORMED),
        (b"[1]", Undecodable.MALFORMED),
    ],
)
def test_kind_of_failure(message: bytes, kind: Undecodable) -> None:
    """Each way of failing is told from the others."""
    assert classify(refusal(MODEL, message)) is kind


def test_type_given_is_what_the_record_names() -> None:
    """The unknown type can be counted without parsing the record again."""
    assert type_given(refusal(MODEL, b'{"event_type": "Other", "score": NaN}')) == "Other"
    assert type_given(refusal(MODEL, b'{"event_type": 5}')) is None
    assert type_given(refusal(MODEL, b"not JSON")) is None


def test_description_keeps_values_out() -> None:
    """What is told about a record never quotes it: it may hold names."""
    message = changed(MODEL, "data.file_size_bytes", "Anna Lindqvist")
    assert "Lindqvist" not in describe(refusal(MODEL, message))


def test_description_is_bounded() -> None:
    """A record wrong in every field is told in five of them."""
    said = describe(refusal(MODEL, b"{}"))
    assert said.count("Field required") == 5
    assert said.endswith("and 2 more")


def test_ten_thousand_bad_items_give_one_error() -> None:
    """A long list that is wrong throughout is refused at its first item."""
    message = changed(BatchEssaysRegisteredV1, "data.essay_ids", [1] * 10_000)
    assert refusal(BatchEssaysRegisteredV1, message).error_count() == 1
