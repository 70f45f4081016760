"""Where claims ended up, and what that means for their batches."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from essay_lifecycle_service.domain.claims import Claim
from rollcall_events import ExcessReason


@dataclass(slots=True)
class Taken:
    """A claim that holds a slot now."""

    claim: Claim
    position: int
    essay_id: str


@dataclass(slots=True)
class Excess:
    """A claim that will never hold a slot: all are taken, or those left open were given up."""

    claim: Claim
    batch_closed: bool

    @property
    def reason(self) -> ExcessReason:
        """Why, as it is announced."""
        return ExcessReason.BATCH_CLOSED if self.batch_closed else ExcessReason.NO_AVAILABLE_SLOT


@dataclass(slots=True)
class Placement:
    """The outcome of one attempt to give slots to new claims; known claims appear nowhere."""

    taken: list[Taken]
    left: list[Claim]


@dataclass(slots=True, order=True)
class SlotsTaken:
    """How many slots of a batch were taken, by contents and by failures. Ordered by batch."""

    batch_id: UUID
    filled: int
    failed: int


@dataclass(slots=True, frozen=True)
class Counted:
    """What counting taken slots brought to light, by batch."""

    completed: list[UUID]
    with_pending: list[UUID]
    """Batches for which claims are waiting that this transaction may have made placeable."""


def count_by_batch(taken: Iterable[Taken]) -> list[SlotsTaken]:
    """Slots taken of each batch, in the order in which batch rows must be locked."""
    counts: dict[int, SlotsTaken] = {}
    for item in taken:
        claim = item.claim
        count = counts.get(claim.batch_id.int)
        if count is None:
            count = counts[claim.batch_id.int] = SlotsTaken(claim.batch_id, 0, 0)
        if claim.kind == "content":
            count.filled += 1
        else:
            count.failed += 1
    return sorted(counts.values())


def still_open(placement: Placement, excess: Iterable[Excess]) -> list[Claim]:
    """Claims of which a later transaction will tell: those with a slot, and those that wait."""
    over = {one.claim.key for one in excess}
    waiting = [claim for claim in placement.left if claim.key not in over]
    return [*(one.claim for one in placement.taken), *waiting]
