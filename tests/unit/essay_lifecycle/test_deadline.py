"""Which deadline a batch has, what it makes of the batch, and how much one look takes on."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from essay_lifecycle_service.domain.announcements import readiness_timeout
from essay_lifecycle_service.domain.deadline import (
    FIRST_DUE,
    Deadline,
    DeadlineDefaults,
    Due,
    DueBatch,
    DuePlace,
    bounded,
)
from rollcall.outbox.encoding import encode_event
from rollcall_events import BatchReadinessTimeoutV1, DeadlinePolicy
from tests.db.events import registration

BATCH = UUID(int=1)
NOW = datetime(2026, 1, 12, tzinfo=UTC)
KEEP_OPEN, COMPLETE_PARTIAL, CLOSE = DeadlinePolicy
DEFAULTS = DeadlineDefaults(60, CLOSE)


@pytest.mark.parametrize(
    ("seconds", "policy", "deadline"),
    [
        (None, None, (60, "close")),
        (None, KEEP_OPEN, (60, "keep_open")),
        (5, None, (5, "close")),
        (5, COMPLETE_PARTIAL, (5, "complete_partial")),
        (0, COMPLETE_PARTIAL, (None, None)),
    ],
)
def test_what_a_registration_says_goes_before_the_defaults(
    seconds: int | None, policy: DeadlinePolicy | None, deadline: tuple[int | None, str | None]
) -> None:
    said = registration(BATCH, 1, readiness_deadline_seconds=seconds, deadline_policy=policy)
    assert DEFAULTS.deadline_of(said) == Deadline(*deadline)


@pytest.mark.parametrize("policy", [None, *DeadlinePolicy])
def test_without_seconds_there_is_no_deadline(policy: DeadlinePolicy | None) -> None:
    """A policy alone makes none."""
    said = registration(BATCH, 1, deadline_policy=policy)
    assert DeadlineDefaults().deadline_of(said) == Deadline(None, None)


def due_batch(policy: DeadlinePolicy) -> DueBatch:
    return DueBatch(BATCH, UUID(int=2), 4, 1, 1, 2, policy.value, NOW)


def test_every_policy_has_a_state() -> None:
    assert {policy: due_batch(policy).next_state for policy in DeadlinePolicy} == {
        KEEP_OPEN: "open",
        COMPLETE_PARTIAL: "completed",
        CLOSE: "closed",
    }


@pytest.mark.parametrize("policy", DeadlinePolicy)
def test_a_timeout_reads_back_as_announced(policy: DeadlinePolicy) -> None:
    event = readiness_timeout(due_batch(policy), ["a", "b"])
    record = encode_event(event, "topic", "test", NOW)
    read = BatchReadinessTimeoutV1.envelope().model_validate_json(record.value)
    assert read.data == event.data
    assert read.data.policy == policy


dues = st.lists(st.integers(1, 10_000), max_size=100).map(
    lambda counts: [
        Due(DuePlace(NOW + timedelta(seconds=n), UUID(int=n)), count)
        for n, count in enumerate(counts)
    ]
)


@given(dues, st.integers(1, 20_000))
def test_one_look_takes_on_a_bounded_number_of_slots_and_never_nothing(
    due: list[Due], max_slots: int
) -> None:
    taken = bounded(due, max_slots)
    assert taken == due[: len(taken)]
    assert len(taken) >= min(1, len(due))
    assert len(taken) == 1 or sum(item.open_count for item in taken) <= max_slots


def test_the_first_place_is_before_every_batch() -> None:
    assert DuePlace(NOW, UUID(int=1)) > FIRST_DUE
