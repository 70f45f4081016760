"""An event to publish, and the record it becomes."""

import zlib
from dataclasses import dataclass
from uuid import UUID

import msgspec

from rollcall.tracing.context import TraceContext
from rollcall_events import EventData


@dataclass(slots=True)
class Event:
    """An event that a handler wants published.

    `event_id` must be a function of what happened (`deterministic_event_id`), never random, so that a
    consumer can recognise a replay. Events with the same `key` are published in the order of their
    transactions. `causes` are the traces that this event continues, the last one first of all; if none
    is named, the trace of the chunk's records with the same correlation id.
    """

    data: EventData
    event_id: UUID
    correlation_id: UUID
    key: str
    causes: tuple[TraceContext, ...] = ()


class OutgoingRecord(msgspec.Struct, array_like=True, gc=False):
    """One Kafka record of a segment. `topic` is the registry's name, without the deployment's prefix."""

    topic: str
    key: bytes
    value: bytes


def lane_of(key: bytes, lanes: int) -> int:
    """The lane of a key; the same for the life of a deployment."""
    return zlib.crc32(key) % lanes
