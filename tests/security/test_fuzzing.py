"""Whatever bytes come, by Kafka or by HTTP: an event, a skip or a refusal that can be kept; no crash."""

from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rollcall.consumer.dead_letters import DeadLetterStore
from rollcall.consumer.decoding import Decoder
from rollcall.consumer.records import InputRecord, Item, Partition, Received, Rejected, Skipped
from rollcall.ingest.envelopes import Accepted, Judge, Refused, UnreadableBodyError, split
from rollcall.settings import ServiceSettings
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS
from tests.security.mutation import EXAMPLES, mutated

T = TypeVar("T")
LIMIT_BYTES = 100_000
INPUTS = Topology(TOPICS).inputs
DECODERS = [Decoder(topic.models, LIMIT_BYTES) for topic in INPUTS]
JUDGE = Judge(INPUTS, "blue.", LIMIT_BYTES)
STORE = DeadLetterStore(ServiceSettings(instance_id="fuzz"))

IN_EACH_EXAMPLE = 100
"""Inputs that one example of hypothesis stands for: it draws where the seeds begin."""


def as_record(value: bytes) -> InputRecord:
    return InputRecord(Partition("in", 0), 7, None, value, (), -1)


class Row:
    """Takes what PostgreSQL would be given, and refuses what it would refuse."""

    async def fetch(self, _: str, *arguments: Any) -> list[tuple[str, int, int, bool]]:
        for column in arguments:
            for value in column if isinstance(column, list) else [column]:
                if isinstance(value, str):
                    storable(value)
        return [("in", 0, 7, True)]


def storable(text: str) -> None:
    text.encode()
    assert "\0" not in text


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run what waits for nothing; an event loop for each of a million inputs would cost more than they do."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits for something")


def checked(value: bytes, decoder: Decoder) -> str:
    """Decode a record; what comes of it can be stored and announced."""
    item: Item = decoder.decode(as_record(value))
    match item:
        case Received(envelope=envelope):
            storable(envelope.model_dump_json())
        case Skipped(event_type=event_type):
            event_type.encode()
        case Rejected():
            events = at_once(STORE.record(Row(), [item]))
            assert events[0].data.model_dump_json()
    return type(item).__name__


def judged(body: bytes) -> str:
    """Take a body in as HTTP does."""
    try:
        items = split(body)
    except UnreadableBodyError:
        return "unreadable"
    outcomes = [JUDGE.judge(index, item) for index, item in enumerate(items)]
    assert all(isinstance(outcome, Accepted | Refused) for outcome in outcomes)
    return type(outcomes[0]).__name__


def run(first_seed: int, count: int) -> Counter[str]:
    """Inputs of so many seeds; a failure names its own."""
    seen: Counter[str] = Counter()
    for seed in range(first_seed, first_seed + count):
        value = mutated(seed)
        try:
            seen[checked(value, DECODERS[seed % len(DECODERS)])] += 1
            seen[judged(value)] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {value[:300]!r}") from error
    return seen


def test_the_examples_come_to_every_outcome() -> None:
    """The mutations are near enough to what is right."""
    seen = run(0, 3000)
    assert set(seen) == {"Received", "Skipped", "Rejected", "Accepted", "Refused", "unreadable"}
    assert min(seen.values()) > 30, seen


@settings(max_examples=30)
@given(st.integers(0, 2**60))
def test_inputs_that_are_nearly_right(first_seed: int) -> None:
    run(first_seed, IN_EACH_EXAMPLE)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150)
@given(st.binary(max_size=300) | _JSON.map(lambda value: repr(value).encode(errors="replace")))
def test_inputs_that_have_nothing_to_do_with_events(value: bytes) -> None:
    for decoder in DECODERS:
        checked(value, decoder)
    judged(value)


@pytest.mark.long
@pytest.mark.timeout(3600)
@settings(
    max_examples=10_000,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.integers(0, 2**60))
def test_a_million_inputs(first_seed: int) -> None:
    run(first_seed, IN_EACH_EXAMPLE)


def test_the_examples_are_the_contract() -> None:
    assert len(EXAMPLES) == sum(len(topic.models) for topic in TOPICS)
