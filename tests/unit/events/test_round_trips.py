"""What is written is what is read."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollcall_events import EssayContentProvisionedV1, EventData
from rollcall_events.catalogue import event_models, golden_example
from tests.unit.events.strategies import events, identifiers, instants


# Building events of every type is slow on a busy machine, which says nothing about them.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(events, st.uuids(), instants, identifiers, st.uuids())
def test_every_event_survives_json(
    event: EventData, event_id: UUID, at: datetime, service: str, correlation_id: UUID
) -> None:
    """Encoding an event in its envelope and decoding it gives the same event."""
    sent = event.enveloped(
        event_id=event_id,
        event_timestamp=at,
        source_service=service,
        correlation_id=correlation_id,
        metadata={"traceparent": "00-1-2-01"},
    )
    assert type(event).envelope().model_validate_json(sent.model_dump_json()) == sent


@pytest.mark.parametrize("model", event_models(), ids=lambda model: model.event_type)
def test_golden_example_is_read_and_written_unchanged(model: type[EventData]) -> None:
    """The example shipped for each event is valid, complete, and exactly what we would write."""
    example = golden_example(model)
    envelope = model.envelope().model_validate_json(example)
    assert orjson.loads(envelope.model_dump_json()) == orjson.loads(example)
    assert set(orjson.loads(example)["data"]) == set(model.model_fields)


def test_an_events_envelope_is_built_once() -> None:
    """Asking for an envelope on the hot path costs a look-up, not a model."""
    model = event_models()[0]
    assert model.envelope() is model.envelope()
    assert model.envelope() is not event_models()[1].envelope()


def schema_types(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        yield str(node.get("type", ""))
        for child in node.values():
            yield from schema_types(child)
    elif isinstance(node, list | tuple):
        for child in node:
            yield from schema_types(child)


def test_content_is_decoded_without_calling_python() -> None:
    """The hot path is one call into Rust: no validator of the content event is written in Python."""
    types = set(schema_types(EssayContentProvisionedV1.envelope().__pydantic_core_schema__))
    assert "model" in types
    assert not {name for name in types if name.startswith("function")}
