"""Every contestant gets the same input, and the input is what it claims to be."""

from collections import Counter

import orjson
from pydantic import ValidationError

from rollcall_cluster.measuring.load import Load, Message, Workload, expected_contents
from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1

LOAD = Load("main", batches=25, slots=4)


def texts(messages: list[Message]) -> list[tuple[str, str]]:
    """Batch and content of each content event."""
    data = [orjson.loads(message.value or b"")["data"] for message in messages]
    return [(item["batch_id"], item["text_storage_id"]) for item in data]


def test_a_load_is_the_same_bytes_every_time() -> None:
    """Contestants are compared on equal input, to the byte."""
    again = Load("main", batches=25, slots=4)
    assert list(LOAD.contents()) == list(again.contents())
    assert list(LOAD.registrations()) == list(again.registrations())


def test_every_slot_has_exactly_one_content() -> None:
    """A load fills its batches without excess and without repetition."""
    sent = Counter(texts(list(LOAD.contents())))
    expected = {
        (str(batch), text) for batch, known in expected_contents([LOAD]).items() for text in known
    }
    assert sent.keys() == expected
    assert set(sent.values()) == {1}
    assert len(expected) == LOAD.events == 100


def test_registrations_open_the_slots() -> None:
    """One valid registration for each batch, with its number of slots."""
    envelope = BatchEssaysRegisteredV1.envelope()
    found = [
        envelope.model_validate_json(message.value or b"").data for message in LOAD.registrations()
    ]
    assert [item.batch_id for item in found] == LOAD.batch_ids
    assert {item.expected_essay_count for item in found} == {4}


def test_contents_are_valid_events_of_about_650_bytes_keyed_by_batch() -> None:
    """The size that the figures are stated for."""
    envelope = EssayContentProvisionedV1.envelope()
    for message in LOAD.contents():
        value = message.value or b""
        assert 600 <= len(value) <= 700
        data = envelope.model_validate_json(value).data
        assert message.key == str(data.batch_id).encode()


def test_batches_take_turns() -> None:
    """Contents of several batches arrive at once, as they do upstream."""
    first = [batch for batch, _ in texts(list(LOAD.contents()))[:20]]
    assert len(set(first)) > 3


def test_other_names_give_other_batches() -> None:
    """Warm-up and measured load can share a deployment."""
    assert not set(LOAD.batch_ids) & set(Load("other", 25, 4).batch_ids)


def test_a_prefix_is_the_beginning_of_the_same_load() -> None:
    """The slow contestants get the same batches, only fewer."""
    part = LOAD.prefix(41)
    assert part.events == 40
    assert part.batch_ids == LOAD.batch_ids[:10]
    assert LOAD.prefix(1).batches == 1
    assert LOAD.prefix(10**6) == LOAD


def test_workloads_have_about_as_many_records() -> None:
    """They are compared by records a second."""
    base = Load("main", 100, 10)
    for workload in Workload:
        load = base.of(workload)
        assert len(list(load.contents())) == load.events
        assert abs(load.events - base.events) <= 0.02 * base.events


def test_unkeyed_records_are_spread_evenly() -> None:
    """The same way in every run: their partition is given."""
    messages = list(Load("main", 6, 10, Workload.UNKEYED, partitions=4).contents())
    assert {message.key for message in messages} == {None}
    assert Counter(message.partition for message in messages) == dict.fromkeys(range(4), 15)


def test_skewed_events_are_of_few_batches_from_beginning_to_end() -> None:
    """80 % of the events on 5 % of the batches, all the time."""
    load = Load("main", 40, 50, Workload.SKEWED)
    order = [batch for batch, _ in texts(list(load.contents()))]
    hot = {str(batch) for batch in load.batch_ids[:2]}
    for part in (order[: len(order) // 4], order[-len(order) // 4 :]):
        assert 0.7 <= sum(batch in hot for batch in part) / len(part) <= 0.9
    assert max(load.sizes) <= 10_000
    assert {len(known) for known in expected_contents([load]).values()} == set(load.sizes)


def test_every_content_of_the_duplicates_comes_twice() -> None:
    """Half of the records change nothing."""
    sent = Counter(texts(list(Load("main", 4, 5, Workload.DUPLICATES).contents())))
    assert set(sent.values()) == {2}


def test_a_tenth_of_the_malformed_load_cannot_be_decoded() -> None:
    """And the rest is whole."""
    load = Load("main", 9, 10, Workload.MALFORMED)
    envelope = EssayContentProvisionedV1.envelope()
    bad = 0
    for message in load.contents():
        try:
            envelope.model_validate_json(message.value or b"")
        except ValidationError:
            bad += 1
    assert bad == load.dead_letters == load.events // 10
