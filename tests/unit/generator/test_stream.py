"""The records of a plan."""

from collections import Counter, defaultdict
from itertools import islice

import orjson
import pytest
from hypothesis import given

from rollcall_cluster.generator import KeyStrategy, Kind, Plan, Record, RecordStream, expect
from rollcall_cluster.generator.essays import file_name
from rollcall_cluster.generator.stream import MAX_RECORDS_IN_FLIGHT
from rollcall_events.topics import topic_named
from tests.unit.generator.plans import plan, plans, records_of


def decoded(record: Record):
    (model,) = topic_named(record.topic).models
    return model.envelope().model_validate_json(record.value)


@given(plans)
def test_same_plan_gives_the_same_bytes(a_plan: Plan) -> None:
    """A plan can be run again."""
    assert records_of(a_plan) == records_of(a_plan)


def test_another_seed_gives_other_batches() -> None:
    """Two seeds have no batch in common."""
    first, second = ({record.key for record in records_of(plan(seed=seed))} for seed in (1, 2))
    assert not first & second


@given(plans)
def test_every_good_record_is_a_valid_event_of_its_topic(a_plan: Plan) -> None:
    """What is built from templates is what the contracts say."""
    for record in records_of(a_plan):
        if record.kind is not Kind.MALFORMED:
            event = decoded(record)
            assert event.event_timestamp >= a_plan.begins_at
            assert event.metadata["traceparent"].startswith("00-")


@given(plans)
def test_counts_are_those_of_the_plan(a_plan: Plan) -> None:
    """As many records come as the arithmetic says, of each kind."""
    kinds = Counter(record.kind for record in records_of(a_plan))
    expected = expect(a_plan)
    assert kinds.total() == expected.records
    assert kinds[Kind.REGISTRATION] == expected.batches == a_plan.batches
    assert kinds[Kind.MALFORMED] == expected.dead_letters + expected.skipped


@given(plans)
def test_originals_are_distinct_and_duplicates_are_not(a_plan: Plan) -> None:
    """Each content and failure is new once; every duplicate repeats one, with the same event or a new one."""
    identities: set[tuple[str, ...]] = set()
    duplicates: list[tuple[str, ...]] = []
    for record in records_of(a_plan):
        if record.kind is Kind.MALFORMED:
            continue
        data = orjson.loads(record.value or b"")["data"]
        names = ("batch_id", "file_upload_id", "text_storage_id")
        identity = (record.topic, *(data.get(name, "") for name in names))
        if record.kind is Kind.DUPLICATE:
            duplicates.append(identity)
        else:
            assert identity not in identities
            identities.add(identity)
    assert set(duplicates) <= identities


@given(plans)
def test_an_event_id_stands_for_one_event(a_plan: Plan) -> None:
    """Two records with one event id differ in nothing but the time of sending."""
    by_id = defaultdict(set)
    for record in records_of(a_plan):
        if record.kind is not Kind.MALFORMED:
            event = decoded(record)
            by_id[event.event_id].add(event.data)
    assert all(len(events) == 1 for events in by_id.values())


def test_storm_repeats_every_event_as_often() -> None:
    """Twenty of each: redeliveries of the same event and retries with a new id, half and half."""
    storm = plan(batches=1, slots=5, duplicates=19)
    events = [decoded(record) for record in records_of(storm)]
    times = Counter(repr(event.data) for event in events)
    assert set(times.values()) == {20}
    ids_of_one = {event.event_id for event in events if repr(event.data) == next(iter(times))}
    assert 8 <= len(ids_of_one) <= 12


def test_early_contents_come_before_their_registration() -> None:
    """Four of ten contents are early, no more."""
    before: Counter[bytes] = Counter()
    registered: set[bytes] = set()
    for record in records_of(plan(batches=20, slots=10, early=0.4)):
        if record.kind is Kind.REGISTRATION:
            registered.add(record.key or b"")
        elif record.key not in registered:
            before[record.key or b""] += 1
    assert len(registered) == 20
    assert set(before.values()) == {4}


def test_batches_are_mixed() -> None:
    """Events of many batches stand between those of one."""
    first = records_of(plan(batches=50, slots=50, batches_in_flight=20))[:200]
    assert len({record.key for record in first}) == 20


@pytest.mark.parametrize("key", KeyStrategy)
def test_key_strategy(key: KeyStrategy) -> None:
    """Keys are the batch's id, the file's id, or absent."""
    for record in records_of(plan(key=key)):
        if record.kind is Kind.CONTENT:
            data = orjson.loads(record.value or b"")["data"]
            wanted = {"batch": data["batch_id"], "file": data["file_upload_id"], "none": None}[key]
            assert record.key == (wanted.encode() if wanted else None)


def test_due_times_and_timestamps_advance_together() -> None:
    """A record is stamped with the time at which it is due."""
    paced = plan(rate=10)
    records = records_of(paced)
    assert [record.at for record in records] == [n / 10 for n in range(len(records))]
    waited = [
        (decoded(record).event_timestamp - paced.begins_at).total_seconds() for record in records
    ]
    assert waited == pytest.approx([record.at for record in records], abs=0.002)


def test_a_huge_plan_opens_no_more_batches_than_fit() -> None:
    """A hundred thousand batches of ten thousand slots begin at once, with few batches in memory."""
    huge = plan(batches=100_000, slots=10_000, batches_in_flight=200)
    (block,) = islice(RecordStream(huge).blocks(10), 1)
    assert len(block.records) == 10
    assert sum(len(batch) for batch in block.opened) < MAX_RECORDS_IN_FLIGHT + 10_002


def test_blocks_tell_batches_before_their_records() -> None:
    """Whoever writes texts block by block is never behind the records."""
    told: set[str] = set()
    for block in RecordStream(plan(batches=30, slots=4, batches_in_flight=3)).blocks(7):
        told |= {batch.wire.batch_id for batch in block.opened}
        assert {(record.key or b"").decode() for record in block.records} <= told
    assert len(told) == 30


def test_names_of_files_are_varied() -> None:
    """Names are not all alike, nor all ASCII."""
    names = {file_name(n) for n in range(357)}
    assert len(names) == 357
    assert any(name.decode() != name.decode("ascii", "ignore") for name in names)
