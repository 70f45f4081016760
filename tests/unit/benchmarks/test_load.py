"""Every contestant gets the same input, and the input is what it claims to be."""

from collections import Counter

import orjson
from benchmarks.load import Load, Message, expected_contents

from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1

LOAD = Load("main", batches=25, slots=4)


def texts(messages: list[Message]) -> list[tuple[str, str]]:
    """Batch and content of each content event."""
    data = [orjson.loads(message.value)["data"] for message in messages]
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
    found = [envelope.model_validate_json(message.value).data for message in LOAD.registrations()]
    assert [item.batch_id for item in found] == LOAD.batch_ids
    assert {item.expected_essay_count for item in found} == {4}


def test_contents_are_valid_events_of_about_650_bytes_keyed_by_batch() -> None:
    """The size that the figures are stated for."""
    envelope = EssayContentProvisionedV1.envelope()
    for message in LOAD.contents():
        assert 600 <= len(message.value) <= 700
        data = envelope.model_validate_json(message.value).data
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
