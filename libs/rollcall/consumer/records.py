"""Input records and what decoding makes of them: a closed union."""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import orjson

from rollcall.tracing.context import TraceContext
from rollcall_events import Envelope, EventData

T = TypeVar("T", bound=EventData)


class Partition(NamedTuple):
    """A partition of an input topic, by its name on the cluster."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.number}"


@dataclass(slots=True)
class InputRecord:
    """One Kafka record as it was read."""

    partition: Partition
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp_ms: int
    trace: TraceContext | None = None
    """Its processing here, to name as the cause of events; None = it belongs to no trace."""

    @classmethod
    def of(cls, partition: Partition, raw: Any) -> "InputRecord":
        """Keep what matters of a record as aiokafka gives it."""
        return cls(partition, raw.offset, raw.key, raw.value, raw.headers, raw.timestamp)

    @property
    def timestamp(self) -> datetime | None:
        """When the record was produced, if the producer said so and the calendar has that time."""
        if self.timestamp_ms < 0:
            return None
        try:
            return datetime.fromtimestamp(self.timestamp_ms / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            return None


@dataclass(slots=True)
class Received(Generic[T]):
    """A decoded event together with the record that carried it."""

    record: InputRecord
    envelope: Envelope[T]

    @property
    def data(self) -> T:
        """The event itself."""
        return self.envelope.data


@dataclass(slots=True)
class Skipped:
    """A record of an event type that nobody here handles: counted and passed over."""

    record: InputRecord
    event_type: str


@dataclass(slots=True)
class Rejected:
    """A record that cannot take effect: it goes to the dead letters with this error."""

    record: InputRecord
    error_type: str
    error_message: str
    stack_fingerprint: str | None = None
    attempts: int = 1
    bisection_trace: list[str] = field(default_factory=list)
    correlation_id: UUID | None = None

    @classmethod
    def from_exception(cls, item: "Item", error: BaseException) -> "Rejected":
        """A rejection for an exception that a handler or the database raised for this record."""
        return cls(
            item.record,
            error_type=type(error).__name__,
            error_message=str(error)[:2000],
            stack_fingerprint=stack_fingerprint(error),
            correlation_id=correlation_of(item),
        )


Item = Received[Any] | Skipped | Rejected


def correlation_of(item: Item) -> UUID | None:
    """The correlation id of a record, also of one that is no event but says as much; None if not."""
    if isinstance(item, Received):
        return item.envelope.correlation_id
    if isinstance(item, Rejected) and item.correlation_id:
        return item.correlation_id
    try:
        given = orjson.loads(item.record.value or b"")["correlation_id"]
        return UUID(given)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def stack_fingerprint(error: BaseException) -> str:
    """A short hash of the functions the exception passed through: equal bugs have equal ones."""
    frames = traceback.extract_tb(error.__traceback__)
    path = "\n".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.name}" for frame in frames)
    return sha256(f"{type(error).__name__}\n{path}".encode()).hexdigest()[:16]
