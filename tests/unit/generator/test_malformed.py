"""Malformed records are wrong in the way they say."""

from collections import Counter

import pytest

from rollcall_cluster.generator import Kind, expect
from rollcall_cluster.generator.malformed import Malformation, malformation, spoil
from rollcall_events import EssayContentProvisionedV1, Undecodable, classify
from rollcall_events.catalogue import golden_example
from rollcall_events.topics import MAX_TAKEN_RECORD_BYTES, topic_for, topic_named
from tests.unit.events.messages import refusal
from tests.unit.generator.plans import plan, records_of

GOOD = golden_example(EssayContentProvisionedV1)


@pytest.mark.parametrize(
    ("kind", "refused_as"),
    [
        (Malformation.NOT_JSON, Undecodable.MALFORMED),
        (Malformation.WRONG_TYPES, Undecodable.MALFORMED),
        (Malformation.UNKNOWN_TYPE, Undecodable.UNKNOWN_TYPE),
        (Malformation.WRONG_VERSION, Undecodable.UNKNOWN_VERSION),
        (Malformation.OVERSIZE, Undecodable.MALFORMED),
    ],
)
def test_malformed_value_is_refused(kind: Malformation, refused_as: Undecodable) -> None:
    """The contracts refuse each kind for the reason it is named after."""
    value = spoil(kind, GOOD, 0)
    assert value is not None
    assert classify(refusal(EssayContentProvisionedV1, value)) is refused_as


def test_empty_values_are_tombstones_and_empty_strings() -> None:
    """Both forms of nothing occur."""
    assert {spoil(Malformation.EMPTY, GOOD, number) for number in (0, 1)} == {None, b""}


def test_oversize_is_more_than_is_taken_and_less_than_the_topic_lets_through() -> None:
    """The huge record reaches the service."""
    value = spoil(Malformation.OVERSIZE, GOOD, 0)
    limit = topic_for(EssayContentProvisionedV1).max_message_bytes
    assert MAX_TAKEN_RECORD_BYTES < len(value or b"") < limit


def test_every_kind_has_its_turn_and_the_huge_one_is_rare() -> None:
    """Six malformed records are of six kinds; of ten thousand, a few are huge."""
    assert {malformation(number) for number in range(6)} == set(Malformation)
    kinds = Counter(malformation(number) for number in range(10_000))
    assert kinds[Malformation.OVERSIZE] < 25
    assert min(kinds[kind] for kind in Malformation if kind is not Malformation.OVERSIZE) > 1_900


def test_malformed_records_take_nothing_good_with_them() -> None:
    """No malformed record is about a content or file that the batch counts on."""
    messy = plan(batches=10, slots=10, malformed=0.3)
    records = records_of(messy)
    good = {record.value for record in records if record.kind is not Kind.MALFORMED}
    bad = [record for record in records if record.kind is Kind.MALFORMED]
    assert len(bad) == expect(messy).dead_letters + expect(messy).skipped > 20
    assert not good & {record.value for record in bad}
    assert all(topic_named(record.topic).direction == "in" for record in bad)
