"""What comes in over HTTP: cut into envelopes, judged one by one, bounded in memory."""

import uuid

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.ingest.envelopes import Accepted, Judge, Refused, UnreadableBodyError, split
from rollcall.ingest.in_flight import InFlight, TooMuchInFlightError
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS
from tests.db.events import content, message, registration

BATCH = uuid.uuid4()
JUDGE = Judge(Topology(TOPICS).inputs, "blue.", 100_000)


def test_one_envelope_is_a_list_of_one() -> None:
    value = message(content(BATCH, "a"))
    assert split(b"\n " + value) == [value]


def test_envelopes_keep_their_bytes() -> None:
    values = [b'{"a": 1.0, "a":2}', b'{"b":"\xc3\xa9"}', b"17"]
    assert split(b"[" + b" , ".join(values) + b"]") == values


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"[1,]", b"\xff", orjson.dumps([{}] * 501), b"[" * 9999, b'{"a":' * 9999],
    ids=range(8),
)
def test_what_is_no_list_of_envelopes_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(UnreadableBodyError):
        split(body)


@given(st.binary(max_size=40))
def test_any_body_is_cut_or_refused(body: bytes) -> None:
    try:
        items = split(body)
    except UnreadableBodyError:
        return
    assert all(isinstance(JUDGE.judge(0, item), Refused) for item in items)


@pytest.mark.parametrize(
    ("event", "topic"),
    [
        (registration(BATCH, 2), "blue.batch.essays.registered.v1"),
        (content(BATCH, "a"), "blue.file.essay.content.provisioned.v1"),
    ],
)
def test_an_event_goes_to_its_topic_under_its_key(event, topic: str) -> None:
    value = message(event)
    judged = JUDGE.judge(3, value)
    assert isinstance(judged, Accepted)
    assert (judged.index, judged.topic, judged.key) == (3, topic, str(BATCH).encode())
    assert judged.value is value


@pytest.mark.parametrize(
    ("change", "error_type"),
    [
        ({"event_type": "Unheard"}, "unknown_event_type"),
        ({"event_type": "EssaySlotAssignedV1"}, "unknown_event_type"),
        ({"schema_version": 2}, "unknown_schema_version"),
        ({"event_id": "17"}, "malformed"),
        ({"data": {}}, "malformed"),
        ({"metadata": {"x": "y" * 200_000}}, "record_too_large"),
    ],
)
def test_what_would_be_a_dead_letter_is_refused(change: dict, error_type: str) -> None:
    given = orjson.loads(message(content(BATCH, "a"))) | change
    judged = JUDGE.judge(0, orjson.dumps(given))
    assert isinstance(judged, Refused)
    assert judged.error_type == error_type


def test_room_is_bounded_and_given_back() -> None:
    room = InFlight(100)
    with room.request() as first, room.request() as second:
        first.take(60)
        with pytest.raises(TooMuchInFlightError):
            second.take(41)
        second.take(40)
        assert room.used_bytes == 100
    assert room.used_bytes == 0
