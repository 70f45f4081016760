"""Events to the bytes that are published. Each event is encoded once."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from rollcall.outbox.event import Event, OutgoingRecord
from rollcall.outbox.json_array import JsonArray


def encode_event(event: Event, topic: str, source_service: str, at: datetime) -> OutgoingRecord:
    """Wrap an event in its envelope and encode it, once, in the bytes that will be published.

    Gives what pydantic would, at a fifth of the price: the encoder reads a model's fields directly
    wherever the model does not say how it wants to be serialized.
    """
    data = event.data
    envelope = {
        "event_id": event.event_id,
        "event_type": data.event_type,
        "event_timestamp": at,
        "source_service": source_service,
        "schema_version": data.schema_version,
        "correlation_id": event.correlation_id,
        "data": data.__dict__ if is_plain(type(data)) else _serialized(data),
        "metadata": {},
    }
    try:
        value = orjson.dumps(envelope, default=_encodable, option=orjson.OPT_UTC_Z)
    except orjson.JSONEncodeError:  # such as an integer of more than 64 bits
        envelope["data"] = _serialized(data)
        value = orjson.dumps(envelope, default=_encodable, option=orjson.OPT_UTC_Z)
    # A copy: the encoder's own bytes keep the room that it wrote in, 4 or 8 KiB for a few hundred bytes.
    return OutgoingRecord(topic, event.key.encode(), bytes(memoryview(value)))


@cache
def is_plain(model: type[BaseModel]) -> bool:
    """Whether a model's fields may be encoded as they are: no serializers, aliases or computed fields."""
    decorators = model.__pydantic_decorators__
    return not (
        decorators.field_serializers
        or decorators.model_serializers
        or decorators.computed_fields
        or model.model_config.get("extra") == "allow"
        or _mentions(model.__pydantic_core_schema__, "serialization", "serialization_alias")
    )


def _encodable(value: Any) -> Any:
    """What the encoder does not know by itself: nested models, ids as asyncpg gives them, the rest."""
    if isinstance(value, BaseModel):
        return value.__dict__ if is_plain(type(value)) else _serialized(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, JsonArray):
        return orjson.Fragment(value.to_json())
    return to_jsonable_python(value)


def _serialized(model: BaseModel) -> orjson.Fragment:
    return orjson.Fragment(model.__pydantic_serializer__.to_json(model))


def _mentions(schema: Any, *keys: str) -> bool:
    """Whether one of these keys is given anywhere in a core schema."""
    if isinstance(schema, dict):
        return any(schema.get(key) for key in keys) or any(
            _mentions(part, *keys) for part in schema.values()
        )
    return isinstance(schema, list | tuple) and any(_mentions(part, *keys) for part in schema)
