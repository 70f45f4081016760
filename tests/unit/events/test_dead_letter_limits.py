"""A dead letter can be written of anything."""

from base64 import b64decode
from datetime import UTC, datetime

from rollcall_events import DeadLetterV1, Failure, Origin
from rollcall_events.topics import topic_for

ORIGIN = Origin("file.essay.content.provisioned.v1", 3, 41_207, "essay-lifecycle-service")
SEEN_AT = datetime(2026, 1, 12, 8, 30, tzinfo=UTC)


def failure(message: str = "Invalid JSON") -> Failure:
    return Failure("malformed", message, None, 1, SEEN_AT, "els-1")


def test_small_record_is_kept_whole() -> None:
    """Key, value and headers come back byte for byte."""
    letter = DeadLetterV1.of_record(
        ORIGIN, failure(), key=b"\x00\xff", value=b"{", headers=[("h", b"\x01"), ("h", None)]
    )
    assert b64decode(letter.key_base64 or "") == b"\x00\xff"
    assert b64decode(letter.value_base64 or "") == b"{"
    assert [(h.name, h.value_base64) for h in letter.headers] == [("h", "AQ=="), ("h", None)]
    assert not letter.value_truncated


def test_null_and_empty_are_told_apart() -> None:
    """A tombstone and an empty value are different records."""
    absent = DeadLetterV1.of_record(ORIGIN, failure(), key=None, value=None)
    empty = DeadLetterV1.of_record(ORIGIN, failure(), key=b"", value=b"")
    assert (absent.key_base64, absent.value_base64) == (None, None)
    assert (empty.key_base64, empty.value_base64) == ("", "")


def test_monster_is_cut_until_it_fits_the_topic() -> None:
    """Huge key, value, headers and error text: the letter says it is cut, and fits."""
    letter = DeadLetterV1.of_record(
        ORIGIN,
        failure("\x01" * 10**6),
        key=b"k" * 10**6,
        value=b"v" * 10**7,
        headers=[("\x01" * 10**4, b"h" * 10**5)] * 100,
    )
    assert letter.value_truncated
    assert len(letter.model_dump_json()) < topic_for(DeadLetterV1).max_message_bytes


def test_error_text_is_made_storable() -> None:
    """An error that quotes NUL or half a character pair does not break its own report."""
    letter = DeadLetterV1.of_record(
        ORIGIN, failure("got '\x00' and '\ud800'"), key=None, value=b"x"
    )
    assert letter.error_message == "got '\ufffd' and '?'"
