"""Dead letters and pauses as they are told over HTTP; bytes in Base64."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from pydantic import BaseModel

from rollcall.dead_letters.letter import Letter, LetterCount, LetterSummary, State
from rollcall.dead_letters.operations import Outcome


class LetterRow(BaseModel):
    """A dead letter without its record. `size_bytes` is that of key, value and headers."""

    id: str
    topic: str
    partition: int
    offset: int
    state: State
    error_type: str
    error_message: str
    stack_fingerprint: str | None
    attempts: int
    first_seen_at: datetime
    last_seen_at: datetime
    size_bytes: int

    @classmethod
    def of(cls, letter: LetterSummary) -> "LetterRow":
        """Describe one."""
        return cls.model_validate(_fields(letter))


class Count(BaseModel):
    """How many dead letters have the same error and state."""

    error_type: str
    stack_fingerprint: str | None
    state: State
    letters: int


class LetterPage(BaseModel):
    """Counts of all that match, one page of them, and what to give `after` for the next; null = none."""

    total: int
    counts: list[Count]
    letters: list[LetterRow]
    after: str | None

    @classmethod
    def of(
        cls, counts: Sequence[LetterCount], found: Sequence[LetterSummary], limit: int
    ) -> "LetterPage":
        """Describe what was found; one more than `limit` means that there is another page."""
        page = found[:limit]
        return cls(
            total=sum(count.letters for count in counts),
            counts=[Count.model_validate(asdict(count)) for count in counts],
            letters=[LetterRow.of(letter) for letter in page],
            after=str(page[-1].id) if len(found) > limit else None,
        )


class Header(BaseModel):
    """A header of a record."""

    name: str
    value_base64: str | None


class AuditRow(BaseModel):
    """Who did what to a dead letter, when and why."""

    at: datetime
    operator: str
    action: str
    reason: str
    state_before: State
    state_after: State


class LetterDocument(LetterRow):
    """A dead letter whole: the record as it was read, how it was isolated, what was done to it."""

    key_base64: str | None
    value_base64: str | None
    headers: list[Header]
    record_timestamp: datetime | None
    bisection_trace: list[str]
    instance_id: str
    history: list[AuditRow]

    @classmethod
    def whole(cls, letter: Letter) -> "LetterDocument":
        """Describe one."""
        return cls(
            **_fields(letter.summary),
            key_base64=_base64(letter.key),
            value_base64=_base64(letter.value),
            headers=[Header(name=n, value_base64=_base64(value)) for n, value in letter.headers],
            record_timestamp=letter.record_timestamp,
            bisection_trace=list(letter.bisection_trace),
            instance_id=letter.instance_id,
            history=[AuditRow.model_validate(asdict(entry)) for entry in letter.history],
        )


class LeftAlone(BaseModel):
    """A dead letter that was asked for and left as it is, with the reason."""

    id: str
    reason: str


class OutcomeDocument(BaseModel):
    """What was done, or would be with a dry run.

    `after` and `until`, given back with the same selection, continue; `after` null = that was all.
    """

    action: str
    dry_run: bool
    touched: int
    by_error_type: dict[str, int]
    untouched: list[LeftAlone]
    until: datetime
    after: str | None

    @classmethod
    def of(cls, outcome: Outcome, action: str, dry_run: bool) -> "OutcomeDocument":
        """Describe an outcome."""
        return cls(
            action=action,
            dry_run=dry_run,
            touched=outcome.touched,
            by_error_type=outcome.by_error,
            untouched=[
                LeftAlone(id=str(letter.id), reason=letter.reason) for letter in outcome.untouched
            ],
            until=outcome.until,
            after=str(outcome.after) if outcome.after else None,
        )


class PauseDocument(BaseModel):
    """Why a topic is not consumed, by whose hand, since when."""

    reason: str
    paused_by: str
    paused_at: datetime


class TopicDocument(BaseModel):
    """An input topic, by its name on the cluster; `paused` null = it is consumed."""

    topic: str
    paused: PauseDocument | None


class TopicChange(BaseModel):
    """Who paused or resumed a topic, when and why."""

    at: datetime
    operator: str
    action: str
    reason: str
    topic: str


class TopicList(BaseModel):
    """The input topics, and the newest changes, newest first."""

    topics: list[TopicDocument]
    history: list[TopicChange]


class TopicOutcome(BaseModel):
    """What became of a topic, or with a dry run would; `changed` false = it was so already."""

    topic: str
    action: str
    changed: bool
    dry_run: bool


def _fields(letter: LetterSummary) -> dict[str, object]:
    topic, partition, offset = letter.id
    place = {"id": str(letter.id), "topic": topic, "partition": partition, "offset": offset}
    return {**asdict(letter), **place}


def _base64(content: bytes | None) -> str | None:
    return None if content is None else b64encode(content).decode()
