"""Registrations with deadlines, for tests of what happens when they pass."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from rollcall_events import DeadlinePolicy
from tests.db.events import registration

KEEP_OPEN, COMPLETE_PARTIAL, CLOSE = DeadlinePolicy
GIVES_UP = [COMPLETE_PARTIAL, CLOSE]

Let = Callable[[UUID], Awaitable[None]]


def with_deadline(batch_id: UUID, slots: int, policy: DeadlinePolicy, seconds: int = 3600) -> Any:
    """A registration with a deadline of its own."""
    return registration(batch_id, slots, readiness_deadline_seconds=seconds, deadline_policy=policy)
