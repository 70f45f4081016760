"""An event to publish, and the record it becomes."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from rollcall.errors import ConfigurationError
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


def require_events(given: object) -> Iterable[Event]:
    """What a handler hands over as its events, None for none.

    Raises:
        ConfigurationError: it is nothing to go through.
    """
    if given is None:
        return ()
    if not isinstance(given, Iterable):
        raise ConfigurationError(f"a list of events is expected, not {type(given).__name__}")
    return given


def require_event(given: object) -> None:
    """Refuse what is no event that can be published.

    What is of the wrong type is a mistake of the program. A key that is missing is not: one record
    may lack what the others have.

    Raises:
        ConfigurationError: this is no event, or its key no text.
        TypeError: it has no key.
    """
    if not isinstance(given, Event):
        raise ConfigurationError(
            f"events are expected, not {type(given).__name__}: make an Event of it"
        )
    if not isinstance(given.key, str):
        what = f"the key of {type(given.data).__name__}"
        if given.key is None:
            raise TypeError(f"{what} is None")
        raise ConfigurationError(f"{what} is a {type(given.key).__name__}: give it as str")


def lane_of(key: bytes, lanes: int) -> int:
    """The lane of a key; the same for the life of a deployment."""
    return zlib.crc32(key) % lanes
