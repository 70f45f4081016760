"""When a batch's time is over, and what becomes of it then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Literal, NamedTuple
from uuid import UUID

from rollcall_events import BatchEssaysRegisteredV1, DeadlinePolicy

State = Literal["open", "completed", "closed"]

_STATE_AFTER: dict[DeadlinePolicy, State] = {
    DeadlinePolicy.KEEP_OPEN: "open",
    DeadlinePolicy.COMPLETE_PARTIAL: "completed",
    DeadlinePolicy.CLOSE: "closed",
}


class Deadline(NamedTuple):
    """Seconds from registration, and the policy's name; both None for a batch without deadline."""

    seconds: int | None
    policy: str | None


@dataclass(slots=True, frozen=True)
class DeadlineDefaults:
    """The deadline of batches whose registration does not speak of one; 0 seconds = none."""

    seconds: int = 0
    policy: DeadlinePolicy = DeadlinePolicy.KEEP_OPEN

    def deadline_of(self, registration: BatchEssaysRegisteredV1) -> Deadline:
        """What the registration says, and the defaults where it says nothing."""
        seconds = registration.readiness_deadline_seconds
        seconds = self.seconds if seconds is None else seconds
        if not seconds:
            return Deadline(None, None)
        return Deadline(seconds, (registration.deadline_policy or self.policy).value)


class DuePlace(NamedTuple):
    """Where a batch stands among those that are due."""

    deadline_at: datetime
    batch_id: UUID


FIRST_DUE = DuePlace(datetime.min.replace(tzinfo=UTC), UUID(int=0))


class Due(NamedTuple):
    """A batch whose deadline has passed, and how many slots were open when it was looked at."""

    place: DuePlace
    open_count: int


def bounded(due: Sequence[Due], max_slots: int) -> list[Due]:
    """The first of these batches, as many as have `max_slots` open slots together, but one at least."""
    totals = accumulate(item.open_count for item in due)
    return [item for item, total in zip(due, totals, strict=True) if total <= max_slots] or [
        *due[:1]
    ]


@dataclass(slots=True, frozen=True)
class DueBatch:
    """A batch whose deadline has passed with slots open, its counts as they were then."""

    batch_id: UUID
    correlation_id: UUID
    expected_count: int
    filled_count: int
    failed_count: int
    open_count: int
    deadline_policy: str
    timed_out_at: datetime

    @property
    def next_state(self) -> State:
        """The state that its policy gives it."""
        return _STATE_AFTER[DeadlinePolicy(self.deadline_policy)]
