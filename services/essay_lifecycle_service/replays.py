"""All events of a batch once more, made anew from the tables: the same ids, under a header of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from essay_lifecycle_service.completions import Completions
from essay_lifecycle_service.domain.announcements import (
    completion,
    excess_content,
    readiness_timeout,
    slot_assigned,
)
from essay_lifecycle_service.domain.placement import Excess
from essay_lifecycle_service.ended_batches import ended_before
from essay_lifecycle_service.store.orders import ExcessContents, OrderStore
from rollcall.operations.runner import REPLAY_HEADER, OrderWork

_TIMEOUT_NOT_KEPT = (
    "BatchReadinessTimeoutV1: the batch stayed open after its deadline, and what it lacked at that"
    " moment is not kept"
)


@dataclass(slots=True)
class ReplayPlan:
    """What there is to publish, and what cannot be."""

    slots: int
    excess: ExcessContents
    timeout: bool
    completion: int
    left_out: list[str] = field(default_factory=list)

    @property
    def events(self) -> int:
        """How many."""
        return self.slots + self.excess.count + self.timeout + self.completion


class Replays:
    """Publishes batches once more, as they are at one moment.

    The batch's row is locked, so its slots stay as they are. Contents that are too late come all the same:
    those that the plan does not know are announced by whoever takes them.
    """

    def __init__(self, orders: OrderStore, completions: Completions) -> None:
        self._orders = orders
        self._completions = completions

    async def plan(self, connection: Any, batch: Mapping[str, Any]) -> ReplayPlan:
        """Find out what there is to publish."""
        plan = ReplayPlan(
            slots=batch["filled_count"],
            excess=await self._orders.excess_contents(connection, batch["batch_id"]),
            timeout=_has_timeout(batch),
            completion=_completion_events(batch),
        )
        if batch["timed_out_at"] is not None and not plan.timeout:
            plan.left_out.append(_TIMEOUT_NOT_KEPT)
        return plan

    async def publish(
        self, under_way: OrderWork, entry: int, batch: Mapping[str, Any], plan: ReplayPlan
    ) -> int:
        """Publish it, in the order of causes; returns how many events."""
        batch_id, connection = batch["batch_id"], under_way.connection
        published = 0
        async for taken in self._orders.filled_slots(connection, batch_id):
            published += await under_way.publish_marked(
                REPLAY_HEADER, entry, map(slot_assigned, taken)
            )
        closed = batch["missing_count"] > 0
        async for claims in plan.excess.pages:
            excess = [Excess(claim, batch_closed=closed) for claim in claims]
            published += await under_way.publish_marked(
                REPLAY_HEADER, entry, (excess_content(one.claim, one.reason) for one in excess)
            )
        if plan.timeout:
            missing = await self._orders.missing_essays(connection, batch_id)
            event = readiness_timeout(ended_before(batch), missing)
            published += await under_way.publish_marked(REPLAY_HEADER, entry, [event])
        if plan.completion:
            complete = await self._completions.whole(batch_id, under_way.tx)
            events = completion(complete)
            published += await under_way.publish_marked(REPLAY_HEADER, entry, events)
        assert published == plan.events, (published, plan)
        return published


def _has_timeout(batch: Mapping[str, Any]) -> bool:
    """Whether a timeout was announced that the tables still tell of."""
    if batch["timed_out_at"] is not None:
        return bool(batch["deadline_policy"] != "keep_open")
    return batch["forced_at"] is not None and batch["state"] == "closed"


def _completion_events(batch: Mapping[str, Any]) -> int:
    return 2 + (batch["failed_count"] > 0) if batch["state"] == "completed" else 0
