"""What is published is what pydantic would have written."""

import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

import orjson
import pytest
from asyncpg.pgproto import pgproto
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime, Field, PlainSerializer, computed_field, field_serializer

from rollcall.outbox.encoding import encode_event, is_plain
from rollcall.outbox.event import Event
from rollcall_events import EventData
from rollcall_events.catalogue import event_models
from rollcall_events.envelope import Contract
from tests.unit.events.strategies import events, instants

_ID = UUID(int=1)


def _data(event: EventData, at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> Any:
    return orjson.loads(encode_event(Event(event, _ID, _ID, "key"), "topic", "els", at).value)[
        "data"
    ]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(events, st.uuids(), instants, st.uuids())
def test_an_event_is_encoded_as_pydantic_would(
    event: EventData, event_id: UUID, at: datetime, correlation_id: UUID
) -> None:
    encoded = encode_event(Event(event, event_id, correlation_id, "key"), "topic", "els", at)
    expected = event.enveloped(
        event_id=event_id, event_timestamp=at, source_service="els", correlation_id=correlation_id
    )
    assert orjson.loads(encoded.value) == orjson.loads(expected.model_dump_json())


@pytest.mark.parametrize("model", event_models(), ids=lambda model: model.event_type)
def test_every_event_of_ours_takes_the_short_way(model: type[EventData]) -> None:
    assert is_plain(model)


class _Colour(StrEnum):
    RED = "red"


class _Part(Contract):
    name: str


class _Plain(EventData):
    event_type: ClassVar[str] = "PlainV1"

    number: int = 7
    price: Decimal = Decimal("1.50")
    at: AwareDatetime = datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC)
    colour: _Colour = _Colour.RED
    parts: tuple[_Part, ...] = (_Part(name="a"),)
    raw: bytes = b"abc"
    by_number: dict[int, str] = Field(default_factory=lambda: {1: "one"})


class _WithFieldSerializer(EventData):
    event_type: ClassVar[str] = "WithFieldSerializerV1"

    number: int = 7

    @field_serializer("number")
    def _twice(self, number: int) -> int:
        return number * 2


class _WithAnnotation(EventData):
    event_type: ClassVar[str] = "WithAnnotationV1"

    numbers: tuple[Annotated[int, PlainSerializer(lambda number: f"#{number}")], ...] = (1, 2)


class _WithAlias(EventData):
    event_type: ClassVar[str] = "WithAliasV1"

    number: int = Field(7, serialization_alias="no")


class _WithComputedField(EventData):
    event_type: ClassVar[str] = "WithComputedFieldV1"

    number: int = 7

    @computed_field  # type: ignore[prop-decorator]
    @property
    def double(self) -> int:
        return self.number * 2


class _Nesting(EventData):
    event_type: ClassVar[str] = "NestingV1"

    inner: _WithFieldSerializer = _WithFieldSerializer()


@pytest.mark.parametrize(
    "event",
    [
        _Plain(),
        _Plain(number=2**80),
        _WithFieldSerializer(),
        _WithAnnotation(),
        _WithAlias(),
        _WithComputedField(),
        _Nesting(),
    ],
    ids=lambda event: f"{event.event_type}-{getattr(event, 'number', '')}",
)
def test_a_model_that_says_how_it_is_serialized_is_asked(event: EventData) -> None:
    assert _data(event) == orjson.loads(event.__pydantic_serializer__.to_json(event))


def test_an_id_as_the_database_driver_gives_it_is_an_id() -> None:
    from_database = pgproto.UUID(str(_ID))
    encoded = encode_event(
        Event(_Plain(), _ID, from_database, "key"), "topic", "els", datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert orjson.loads(encoded.value)["correlation_id"] == str(_ID)


def test_an_encoded_event_takes_no_more_memory_than_its_bytes() -> None:
    """A chunk keeps a thousand of them: what the encoder reserved while it wrote is given back."""
    tracemalloc.start()
    try:
        at, before = datetime(2026, 1, 1, tzinfo=UTC), tracemalloc.get_traced_memory()[0]
        encoded = [
            encode_event(Event(_Plain(), _ID, _ID, "key"), "topic", "els", at) for _ in range(100)
        ]
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 2 * sum(len(record.value) for record in encoded)


def test_an_event_of_known_values_equals_the_validated_one() -> None:
    validated = _Part(name="a")
    known = _Part.of_known({"name": "a"})
    assert known == validated
    assert known.model_dump_json() == validated.model_dump_json()
    assert repr(known) == repr(validated)
    assert known.model_copy() == validated
