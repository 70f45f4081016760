"""A record that could not be taken, kept with where it came from and why."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Self

from pydantic import AwareDatetime, Field, Strict

from rollcall_events.envelope import Contract, EventData
from rollcall_events.fields import MAX_IDENTIFIER_CHARS, Identifier, Text

MAX_KEPT_VALUE_BYTES = 3 * 2**20
MAX_KEPT_KEY_BYTES = 48 * 2**10
MAX_KEPT_HEADERS = 64
MAX_KEPT_HEADER_BYTES = 3 * 2**10
MAX_ERROR_MESSAGE_CHARS = 4_000

Bytes = Annotated[str, Text(min_chars=0, max_chars=4 * 2**20)]


class RecordHeader(Contract):
    """One header of the record. Names may repeat."""

    name: Annotated[str, Text(min_chars=0)]
    value_base64: Bytes | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record was read, and by which group."""

    topic: str
    partition: int
    offset: int
    consumer_group: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the record cannot be taken. `attempts` counts how often it was tried."""

    error_type: str
    error_message: str
    stack_fingerprint: str | None
    attempts: int
    first_seen_at: datetime
    instance_id: str


class DeadLetterV1(EventData):
    """A record that no handler could take.

    `value_truncated` says that the record's key, value or headers are longer than what is kept.
    """

    event_type: ClassVar[str] = "DeadLetterV1"

    origin_topic: Identifier
    origin_partition: Annotated[int, Field(ge=0)]
    origin_offset: Annotated[int, Field(ge=0)]
    consumer_group: Identifier
    key_base64: Bytes | None = None
    value_base64: Bytes | None = None
    value_truncated: bool = False
    headers: Annotated[
        tuple[RecordHeader, ...], Strict(False), Field(max_length=MAX_KEPT_HEADERS)
    ] = ()
    error_type: Identifier
    error_message: Annotated[str, Text(min_chars=0, max_chars=MAX_ERROR_MESSAGE_CHARS)]
    stack_fingerprint: Identifier | None = None
    attempts: Annotated[int, Field(ge=1)]
    first_seen_at: AwareDatetime
    instance_id: Identifier

    @classmethod
    def of_record(
        cls,
        origin: Origin,
        failure: Failure,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = (),
    ) -> Self:
        """Describe a record whatever is in it; what would not fit the topic is cut."""
        kept = tuple(_header(name, content) for name, content in headers[:MAX_KEPT_HEADERS])
        longest_header = max((len(content or b"") for _, content in headers), default=0)
        return cls(
            origin_topic=origin.topic,
            origin_partition=origin.partition,
            origin_offset=origin.offset,
            consumer_group=origin.consumer_group,
            key_base64=_base64(key, MAX_KEPT_KEY_BYTES),
            value_base64=_base64(value, MAX_KEPT_VALUE_BYTES),
            value_truncated=len(value or b"") > MAX_KEPT_VALUE_BYTES
            or len(key or b"") > MAX_KEPT_KEY_BYTES
            or len(headers) > MAX_KEPT_HEADERS
            or longest_header > MAX_KEPT_HEADER_BYTES,
            headers=kept,
            error_type=_printable(failure.error_type, MAX_IDENTIFIER_CHARS),
            error_message=_printable(failure.error_message, MAX_ERROR_MESSAGE_CHARS),
            stack_fingerprint=failure.stack_fingerprint,
            attempts=failure.attempts,
            first_seen_at=failure.first_seen_at,
            instance_id=failure.instance_id,
        )


def _base64(content: bytes | None, limit_bytes: int) -> str | None:
    return None if content is None else b64encode(content[:limit_bytes]).decode()


def _header(name: str, content: bytes | None) -> RecordHeader:
    return RecordHeader(
        name=_printable(name, MAX_IDENTIFIER_CHARS),
        value_base64=_base64(content, MAX_KEPT_HEADER_BYTES),
    )


def _printable(text: str, limit_chars: int) -> str:
    whole = text[:limit_chars].encode(errors="replace").decode()
    return whole.replace("\x00", "\N{REPLACEMENT CHARACTER}")
