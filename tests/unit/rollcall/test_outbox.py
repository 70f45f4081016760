"""Segments keep their records; lanes and partitions are functions of the key alone."""

import tracemalloc
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.errors import LanePositionError, RollcallError
from rollcall.outbox.encoding import encode_event
from rollcall.outbox.event import Event, OutgoingRecord, lane_of
from rollcall.outbox.lane_position import LanePosition, check_lane_position
from rollcall.outbox.publication import partition_of, place
from rollcall.outbox.relay import fair_share
from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import LaneRange
from rollcall_events import EssaySlotAssignedV1

records = st.builds(OutgoingRecord, st.text(max_size=20), st.binary(max_size=40), st.binary())


@given(st.lists(records, max_size=20))
def test_a_segment_gives_back_the_records_it_was_made_of(
    given_records: list[OutgoingRecord],
) -> None:
    codec = SegmentCodec()
    assert codec.decode(codec.encode(given_records)) == given_records


def test_a_segment_of_a_newer_release_is_refused_with_a_remedy() -> None:
    with pytest.raises(RollcallError, match="newer release"):
        SegmentCodec().decode(b"\x7frest")


@given(st.binary(min_size=1), st.integers(1, 64))
def test_a_key_has_one_lane_among_those_there_are(key: bytes, lanes: int) -> None:
    assert lane_of(key, lanes) == lane_of(key, lanes)
    assert 0 <= lane_of(key, lanes) < lanes


def test_partitions_are_those_of_the_java_client() -> None:
    """Source: Kafka's own test, UtilsTest.testMurmur2, of the hash that its default partitioner takes."""
    assert partition_of(b"21", 2**31) == -973932308 & 0x7FFFFFFF
    assert partition_of(b"foobar", 2**31) == -790332482 & 0x7FFFFFFF


def test_large_keys_are_not_remembered() -> None:
    tracemalloc.start()
    try:
        for number in range(100):
            partition_of(b"%08d" % number * 100, 12)
        remembered_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert remembered_bytes < 100 * 400


def test_each_record_of_a_segment_carries_its_place_in_the_lane() -> None:
    segment = [OutgoingRecord("out", b"a", b"1"), OutgoingRecord("out", b"b", b"2")]
    placed = list(place(3, 17, segment, {"out": 12}))
    assert [headers for _, _, headers in placed] == [
        [("lane-seq", b"3:17:0")],
        [("lane-seq", b"3:17:1")],
    ]


def test_an_event_is_encoded_in_its_envelope() -> None:
    event_id, correlation_id = UUID(int=1), UUID(int=2)
    data = EssaySlotAssignedV1(
        batch_id=UUID(int=3),
        essay_id="essay",
        text_storage_id="text",
        file_upload_id="upload",
        original_file_name="essay.txt",
        slot_position=0,
        raw_file_storage_id="raw",
        file_size_bytes=3,
    )
    event = Event(data, event_id, correlation_id, key="key")
    encoded = encode_event(event, "out", "els", datetime(2026, 1, 1, tzinfo=UTC))
    assert (encoded.topic, encoded.key) == ("out", b"key")
    assert EssaySlotAssignedV1.envelope().model_validate_json(encoded.value).data == data
    assert orjson.loads(encoded.value)["event_type"] == "EssaySlotAssignedV1"


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_a_lane_goes_on_only_from_a_position_that_both_sides_can_explain(
    kafka: int, published: int, unpublished: int
) -> None:
    known = LaneRange(last_seq=published + unpublished, published_seq=published)
    try:
        check_lane_position(0, LanePosition(kafka), known)
    except LanePositionError:
        assert not published <= kafka <= published + unpublished
    else:
        assert published <= kafka <= published + unpublished


@given(st.integers(0, 50), st.integers(0, 50))
def test_a_lane_without_a_position_goes_on_only_if_it_never_gave_a_number(
    published: int, unpublished: int
) -> None:
    known = LaneRange(last_seq=published + unpublished, published_seq=published)
    try:
        check_lane_position(0, None, known)
    except LanePositionError:
        assert known.last_seq > 0
    else:
        assert known.last_seq == 0


@given(st.integers(1, 64), st.integers(1, 64))
def test_fair_shares_leave_no_lane_over_and_differ_by_what_must_be(
    lanes: int, instances: int
) -> None:
    share = fair_share(lanes, instances)
    assert share * instances >= lanes
    assert (share - 1) * instances < lanes
