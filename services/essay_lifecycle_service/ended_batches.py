"""Batches whose open slots are given up, as their rows tell it: what a timeout is announced of."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from essay_lifecycle_service.domain.deadline import DueBatch


def closed_by_hand(batch: Mapping[str, Any]) -> DueBatch:
    """A batch that an operator closes now, its counts as they were before."""
    return _ended(batch, batch["open_count"], "close", batch["now"])


def ended_before(batch: Mapping[str, Any]) -> DueBatch:
    """A batch as it was when its deadline passed or an operator closed it."""
    if batch["timed_out_at"] is None:
        return _ended(batch, batch["missing_count"], "close", batch["forced_at"])
    return _ended(batch, batch["missing_count"], batch["deadline_policy"], batch["timed_out_at"])


def _ended(batch: Mapping[str, Any], open_count: int, policy: str, at: datetime) -> DueBatch:
    return DueBatch(
        batch_id=batch["batch_id"],
        correlation_id=batch["correlation_id"],
        expected_count=batch["expected_count"],
        filled_count=batch["filled_count"],
        failed_count=batch["failed_count"],
        open_count=open_count,
        deadline_policy=policy,
        timed_out_at=at,
    )
