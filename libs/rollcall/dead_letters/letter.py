"""A dead letter, what names it, and what selects several. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from rollcall.errors import DeadLetterError

State = Literal["dead", "redriven", "discarded"]
Action = Literal["redrive", "discard"]

_ID = re.compile(r"(?P<topic>[a-zA-Z0-9._-]+)-(?P<partition>\d{1,9})@(?P<offset>\d{1,18})")


class LetterId(NamedTuple):
    """The place where the record was read: topic (its name on the cluster), partition, offset."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}@{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "LetterId":
        """Read TOPIC-PARTITION@OFFSET.

        Raises:
            DeadLetterError: the text has another form.
        """
        if not (found := _ID.fullmatch(text)):
            raise DeadLetterError(
                f"{text!r} does not name a dead letter: write TOPIC-PARTITION@OFFSET, as"
                " `rollcall dlq list` does"
            )
        return cls(found["topic"], int(found["partition"]), int(found["offset"]))


@dataclass(slots=True, frozen=True)
class LetterFilter:
    """Selects dead letters for which everything given holds.

    `since` (inclusive) and `until` (exclusive) speak of when the record was last met; `text` stands
    somewhere in the error's message, in upper or lower case.
    """

    topic: str | None = None
    error_type: str | None = None
    fingerprint: str | None = None
    state: State | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    ids: tuple[LetterId, ...] | None = None

    @property
    def selects_all(self) -> bool:
        """Whether nothing but a state is asked for."""
        asked = (self.topic, self.error_type, self.fingerprint, self.since, self.until, self.text)
        return self.ids is None and all(value is None for value in asked)


@dataclass(slots=True, frozen=True)
class LetterSummary:
    """A dead letter without its record. `size_bytes` is that of key, value and headers."""

    id: LetterId
    state: State
    error_type: str
    error_message: str
    stack_fingerprint: str | None
    attempts: int
    first_seen_at: datetime
    last_seen_at: datetime
    size_bytes: int


@dataclass(slots=True, frozen=True)
class LetterCount:
    """How many dead letters have the same error and state."""

    error_type: str
    stack_fingerprint: str | None
    state: State
    letters: int


@dataclass(slots=True, frozen=True)
class AuditEntry:
    """Who did what to a dead letter, when and why."""

    at: datetime
    operator: str
    action: Action
    reason: str
    state_before: State
    state_after: State


@dataclass(slots=True, frozen=True)
class Letter:
    """A dead letter whole, with what was done to it."""

    summary: LetterSummary
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    record_timestamp: datetime | None
    bisection_trace: Sequence[str]
    instance_id: str
    history: Sequence[AuditEntry]
