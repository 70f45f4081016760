"""An event to publish, and the record it becomes."""

import zlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
import orjson

from rollcall_events import EventData


@dataclass(slots=True)
class Event:
    """An event that a handler wants published.

    `event_id` must be a function of what happened (`deterministic_event_id`), never random, so that a
    consumer can recognise a replay. Events with the same `key` are published in the order of their
    transactions.
    """

    data: EventData
    event_id: UUID
    correlation_id: UUID
    key: str


class OutgoingRecord(msgspec.Struct, array_like=True, gc=False):
    """One Kafka record of a segment. `topic` is the registry's name, without the deployment's prefix."""

    topic: str
    key: bytes
    value: bytes


def encode_event(event: Event, topic: str, source_service: str, at: datetime) -> OutgoingRecord:
    """Wrap an event in its envelope and encode it, once, in the bytes that will be published."""
    data = event.data
    value = orjson.dumps(
        {
            "event_id": str(event.event_id),
            "event_type": data.event_type,
            "event_timestamp": at,
            "source_service": source_service,
            "schema_version": data.schema_version,
            "correlation_id": str(event.correlation_id),
            "data": orjson.Fragment(type(data).__pydantic_serializer__.to_json(data)),
            "metadata": {},
        }
    )
    return OutgoingRecord(topic, event.key.encode(), value)


def lane_of(key: bytes, lanes: int) -> int:
    """The lane of a key; the same for the life of a deployment."""
    return zlib.crc32(key) % lanes
