"""Whose business a record is, as far as it tells."""

import json
from uuid import UUID

import pytest

from rollcall.consumer.decoding import Decoder
from rollcall.consumer.records import InputRecord, Partition, correlation_of
from rollcall.telemetry.logs import correlation_first
from rollcall_events import EssayContentProvisionedV1
from tests.db.events import CORRELATION_ID, content, message

BATCH = UUID(int=7)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (message(content(BATCH, "a")), CORRELATION_ID),
        (json.dumps({"correlation_id": str(CORRELATION_ID)}).encode(), CORRELATION_ID),
        (json.dumps({"correlation_id": "none"}).encode(), None),
        (json.dumps({"correlation_id": 7}).encode(), None),
        (b"[]", None),
        (b'"text"', None),
        (b"7", None),
        (b"{", None),
        (b"", None),
        (None, None),
    ],
)
def test_the_correlation_id_is_read_from_events_and_from_what_is_left_of_them(
    value: bytes | None, found: UUID | None
) -> None:
    decoder = Decoder([EssayContentProvisionedV1], 1_000_000)
    item = decoder.decode(InputRecord(Partition("in", 0), 0, None, value, (), -1))
    assert correlation_of(item) == found


def test_the_correlation_id_is_the_first_key_of_a_line() -> None:
    line = correlation_first(None, "", {"event": "excess", "correlation_id": CORRELATION_ID})
    assert list(line.items()) == [("correlation_id", str(CORRELATION_ID)), ("event", "excess")]
    assert correlation_first(None, "", {"event": "e", "correlation_id": None}) == {"event": "e"}
    assert correlation_first(None, "", {"event": "e"}) == {"event": "e"}
