"""Which records a redrive sends, where they go, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.dead_letters.letter import LetterId
from rollcall.dead_letters.redrive import by_lane, plan_redrive
from rollcall.dead_letters.store import StoredRecord
from rollcall.errors import DeadLetterError
from rollcall.outbox.event import OutgoingRecord
from rollcall.outbox.publication import partition_of, place
from rollcall.outbox.raw_record import MAX_ADDED_BYTES, RawRecord
from rollcall.outbox.segment import SegmentCodec
from rollcall_events.topics import TOPICS

INPUTS = [topic for topic in TOPICS if topic.direction == "in"]
TOPIC = INPUTS[0]

headers = st.lists(st.tuples(st.text(max_size=10), st.none() | st.binary(max_size=10)), max_size=3)
raw_records = st.builds(
    RawRecord,
    st.text(max_size=20),
    st.none() | st.binary(max_size=20),
    st.none() | st.binary(max_size=20),
    headers,
)


def letter(offset: int, value: bytes = b"", partition: int = 0) -> StoredRecord:
    """A dead letter without key."""
    place = LetterId(f"p.{TOPIC.name}", partition, offset)
    return StoredRecord(place, None, value, [], None, [], "finder")


@given(st.lists(raw_records, max_size=10))
def test_a_raw_segment_gives_back_the_records_it_was_made_of(records: list[RawRecord]) -> None:
    codec = SegmentCodec()
    assert codec.decode(codec.encode_raw(records)) == records


def test_releases_before_raw_segments_refuse_them_and_read_all_others() -> None:
    """The first byte is all that an older release looks at."""
    codec = SegmentCodec()
    assert codec.encode([OutgoingRecord("out", b"k", b"v")])[:1] == b"\x01"
    assert codec.encode_raw([RawRecord("in", b"k", b"v", [])])[:1] == b"\x02"


def test_a_raw_record_keeps_its_headers_before_its_place_in_the_lane() -> None:
    ((_, partition, headers),) = place(
        1, 7, [RawRecord("in", b"k", b"v", [("a", None)])], {"in": 3}
    )
    assert headers == [("a", None), ("lane-seq", b"1:7:0")]
    assert partition == partition_of(b"k", 3)


@given(st.integers(1, 10**9), st.integers(1, 50))
def test_records_without_key_of_one_segment_share_a_partition(seq: int, partitions: int) -> None:
    records = [RawRecord("in", None, b"v", [])] * 3
    (partition,) = {chosen for _, chosen, _ in place(0, seq, records, {"in": partitions})}
    assert 0 <= partition < partitions


@pytest.mark.parametrize(("spare_bytes", "refused"), [(0, False), (-1, True)])
def test_the_largest_record_that_fits_its_topic_is_the_largest_taken(
    spare_bytes: int, refused: bool
) -> None:
    header_bytes = plan_redrive([letter(1)], INPUTS, "p.").records[letter(1).id].size_bytes
    room = TOPIC.max_message_bytes - MAX_ADDED_BYTES - header_bytes
    plan = plan_redrive([letter(1, bytes(room - spare_bytes))], INPUTS, "p.")
    assert bool(plan.refused) == refused


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.binary(max_size=2))), st.integers(1, 8))
def test_records_of_one_key_or_partition_stay_in_order_in_one_lane(
    records: list[tuple[int, bytes | None]], lanes: int
) -> None:
    places = {
        LetterId("t", partition, offset): RawRecord("t", key, b"%d" % offset, [])
        for offset, (partition, key) in enumerate(records)
    }
    shares = by_lane(places, lanes)
    assert sum(map(len, shares.values())) == len(records)
    for share in shares.values():
        offsets = [int(record.value or b"") for record in share]
        assert offsets == sorted(offsets)
    for key in {key for _, key in records if key is not None}:
        assert len({lane for lane, share in shares.items() for r in share if r.key == key}) == 1


@given(st.from_regex(r"[a-zA-Z0-9._-]+", fullmatch=True), st.integers(0, 10**6), st.integers(0))
def test_an_id_is_read_back_from_its_text(topic: str, partition: int, offset: int) -> None:
    id_ = LetterId(topic, partition, offset % 10**18)
    assert LetterId.parse(str(id_)) == id_


@pytest.mark.parametrize("text", ["", "topic", "topic-1", "topic@1", "-1@1", "topic-1@x", "t-1@-1"])
def test_text_that_is_no_id_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(DeadLetterError, match="TOPIC-PARTITION@OFFSET"):
        LetterId.parse(text)
