"""Coordination through Redis: a fast path beside PostgreSQL, which stays the truth."""

from rollcall.coordination.cached_reads import CachedReads
from rollcall.coordination.coordination import Coordination
from rollcall.coordination.failure_counter import FailureCounter
from rollcall.coordination.hold import Hold
from rollcall.coordination.idempotency_filter import IdempotencyFilter, id_of
from rollcall.coordination.lock import Lock
from rollcall.coordination.slot_pool import SlotPool
from rollcall.coordination.state_store import StateStore, Stored

__all__ = [
    "CachedReads",
    "Coordination",
    "FailureCounter",
    "Hold",
    "IdempotencyFilter",
    "Lock",
    "SlotPool",
    "StateStore",
    "Stored",
    "id_of",
]
