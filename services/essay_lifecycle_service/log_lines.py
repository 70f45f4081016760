"""What the log tells of batches: a line for each thing that a person would ask for at night."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from essay_lifecycle_service.domain.placement import Excess
from essay_lifecycle_service.domain.registration import Registration
from rollcall import Transaction

# Bounds of what one transaction writes, however much of it is excess.
EXCESS_LINES = 20
EXCESS_NAMED = 5


def log_opened(registration: Registration, tx: Transaction) -> None:
    """A batch is registered."""
    tx.log(
        "batch_registered",
        correlation_id=str(registration.correlation_id),
        batch_id=str(registration.batch_id),
        expected=registration.event.expected_essay_count,
    )


def log_excess(excess: Sequence[Excess], tx: Transaction) -> None:
    """No slot is left for these: a line for each correlation id and batch, with a few that it is about."""
    found: dict[tuple[UUID, UUID], list[Excess]] = defaultdict(list)
    for one in excess:
        found[one.claim.correlation_id, one.claim.batch_id].append(one)
    for (correlation_id, batch_id), group in list(found.items())[:EXCESS_LINES]:
        tx.log(
            "excess",
            correlation_id=str(correlation_id),
            batch_id=str(batch_id),
            count=len(group),
            reason=group[0].reason.value,
            first=[one.claim.identity for one in group[:EXCESS_NAMED]],
        )
    if (left := len(found) - EXCESS_LINES) > 0:
        tx.log("excess_not_listed", batches=left)
