"""What operators do to batches by hand, under the locks and guards of the normal path."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from essay_lifecycle_service.completions import Completions
from essay_lifecycle_service.domain.announcements import (
    excess_content,
    readiness_timeout,
    slot_assigned,
)
from essay_lifecycle_service.domain.deadline import State
from essay_lifecycle_service.domain.placement import Excess, Taken
from essay_lifecycle_service.ended_batches import closed_by_hand
from essay_lifecycle_service.handlers import EssayLifecycle
from essay_lifecycle_service.replays import Replays
from essay_lifecycle_service.store.orders import OrderStore
from essay_lifecycle_service.store.slots import SlotStore
from essay_lifecycle_service.store.unplaced import claim_of_row
from rollcall.errors import OperatorError
from rollcall.operations.audit import Order
from rollcall.operations.runner import CORRECTION_HEADER, OrderRunner, OrderWork, TryAgain

Counts = dict[str, Any]
_VERBS: dict[State, str] = {"completed": "complete", "closed": "close"}


@dataclass(slots=True, frozen=True)
class WaitingBatch:
    """A batch for which something is pending; `state` None: nobody has registered it."""

    batch_id: UUID
    state: State | None
    open_count: int | None
    pending: int
    oldest_at: datetime
    oldest_seconds: float


@dataclass(slots=True, frozen=True)
class WaitingClaim:
    """A content or failure that waits for a slot, or for its batch."""

    kind: Literal["content", "failure"]
    identity: str
    file_upload_id: str
    first_seen_at: datetime
    age_seconds: float


@dataclass(slots=True)
class BatchOutcome:
    """What an order did to a batch, or with a dry run would do: its state and counts around it."""

    batch_id: UUID
    action: str
    dry_run: bool
    before: Counts
    after: Counts
    events: int = 0
    """Events published once more, or as a correction."""
    left_out: list[str] = field(default_factory=list)
    """What could not be published once more, and why."""


class BatchOperations:
    """Orders about batches. Each is one transaction with its entry in the audit."""

    def __init__(
        self,
        runner: OrderRunner,
        slots: SlotStore,
        completions: Completions,
        lifecycle: EssayLifecycle,
        orders: OrderStore,
        replays: Replays,
    ) -> None:
        self._runner = runner
        self._slots = slots
        self._completions = completions
        self._lifecycle = lifecycle
        self._orders = orders
        self._replays = replays

    async def waiting_batches(self, limit: int) -> list[WaitingBatch]:
        """Batches for which something is pending, those first for which it has waited longest."""
        async with self._runner.connection() as connection:
            rows = await self._orders.waiting_batches(connection, limit)
        return [WaitingBatch(**row) for row in rows]

    async def waiting_claims(self, batch_id: UUID, limit: int) -> list[WaitingClaim]:
        """What is pending for one batch, what has waited longest first."""
        async with self._runner.connection() as connection:
            rows = await self._orders.waiting_claims(connection, batch_id, limit)
        return [WaitingClaim(**row) for row in rows]

    async def reconcile(self, batch_id: UUID, order: Order) -> BatchOutcome:
        """Place what is pending for a registered batch now, as the sweep would.

        Raises:
            OperatorError: nobody has registered the batch.
        """

        async def work(under_way: OrderWork) -> BatchOutcome:
            before = await self._counts(under_way, batch_id)
            await self._lifecycle.reconcile(batch_id, under_way.tx)
            return await self._written(under_way, batch_id, "reconcile", before, order)

        return await self._runner.run(order, work)

    async def end(self, batch_id: UUID, state: State, order: Order) -> BatchOutcome:
        """Give the open slots of a batch up: complete it with what is there, or close it.

        A completion goes through the same place and the same primary key as any other. A close is
        announced as a timeout, unless a timeout of the batch was announced before.

        Raises:
            OperatorError: the batch is not open.
        """

        async def work(under_way: OrderWork) -> BatchOutcome:
            batch = await self._locked(under_way, batch_id)
            if batch["state"] != "open":
                raise OperatorError(f"batch {batch_id} is {batch['state']} already")
            before = await self._counts(under_way, batch_id)
            missing = await self._give_up(under_way, batch)
            await self._orders.force_end(under_way.connection, batch_id, state)
            if state == "completed":
                await self._completions.announce(batch_id, under_way.tx)
            elif batch["timed_out_at"] is None:
                await under_way.tx.publish([readiness_timeout(closed_by_hand(batch), missing)])
            self._lifecycle.reconcile_after_commit([batch_id], under_way.tx)
            return await self._written(under_way, batch_id, _VERBS[state], before, order)

        return await self._runner.run(order, work)

    async def reassign(
        self, batch_id: UUID, essay_id: str, content: str, order: Order
    ) -> BatchOutcome:
        """Give a slot of a batch that has ended to one of its contents that got none.

        What held the slot becomes excess. Both are announced, marked as corrections; the completion
        is not announced again. A content can be moved by hand once: its event ids are used up then.

        Raises:
            OperatorError: there is no such slot or excess content, the batch is open, or a content
                was moved before.
        """

        async def work(under_way: OrderWork) -> BatchOutcome:
            batch = await self._locked(under_way, batch_id)
            before = await self._counts(under_way, batch_id)
            slot, excess = await self._exchangeable(under_way, batch, essay_id, content)
            displaced = await self._orders.displace(
                under_way.connection, batch_id, slot["position"]
            )
            await self._orders.give_slot(
                under_way.connection, slot["position"], slot["state"], excess
            )
            outcome = await self._outcome(under_way, batch_id, "reassign", before, order)
            entry = await under_way.write_down(
                "reassign",
                f"{batch_id}/{essay_id}",
                before | {"slot": slot_holder(slot)},
                outcome.after | {"slot": slot_holder(slot, content)},
            )
            taken = Taken(claim_of_row(excess), slot["position"], essay_id)
            events = [slot_assigned(taken)]
            if displaced is not None and displaced["kind"] == "content":
                closed = batch["missing_count"] > 0
                events.append(_excess(Excess(claim_of_row(displaced), batch_closed=closed)))
            outcome.events = await under_way.publish_marked(CORRECTION_HEADER, entry, events)
            return outcome

        return await self._runner.run(order, work)

    async def replay(self, batch_id: UUID, order: Order) -> BatchOutcome:
        """Publish all events of a batch once more, with the same ids, marked as replays.

        They are made anew from the tables, so they say what is true now.

        Raises:
            OperatorError: there is no such batch, or it was purged.
        """

        async def work(under_way: OrderWork) -> BatchOutcome:
            batch = await self._locked(under_way, batch_id)
            before = await self._counts(under_way, batch_id)
            plan = await self._replays.plan(under_way.connection, batch)
            entry = await under_way.write_down(
                "replay-output", str(batch_id), before, before | {"events": plan.events}
            )
            outcome = BatchOutcome(
                batch_id, "replay-output", order.dry_run, before, before, left_out=plan.left_out
            )
            outcome.events = await self._replays.publish(under_way, entry, batch, plan)
            return outcome

        return await self._runner.run(order, work)

    async def _exchangeable(
        self, under_way: OrderWork, batch: Any, essay_id: str, content: str
    ) -> tuple[Any, Any]:
        """The slot and the excess content, both locked."""
        batch_id, connection = batch["batch_id"], under_way.connection
        if batch["state"] == "open":
            raise OperatorError(
                f"batch {batch_id} is open: what waits takes its open slots by itself; see"
                " `rollcall batch reconcile`"
            )
        slot = await self._orders.lock_slot(connection, batch_id, essay_id)
        if slot is None:
            raise OperatorError(f"batch {batch_id} has no essay {essay_id}")
        excess = await self._orders.lock_excess(connection, batch_id, content)
        if excess is None or excess["outcome"] != "excess":
            raise OperatorError(f"{content} is no content of batch {batch_id} without a slot")
        if batch["state"] == "closed" and (slot["state"], batch["missing_count"]) == ("missing", 1):
            raise OperatorError(
                f"batch {batch_id} is closed for this one missing essay: filled, it would be complete,"
                " and a closed batch is never announced as that"
            )
        for moved in filter(None, (content, slot["text_storage_id"])):
            group = self._runner.consumer_group
            if await self._orders.moved_before(connection, group, batch_id, moved):
                raise OperatorError(
                    f"{moved} was moved by hand before: the ids of its announcements are used up; see"
                    f" `rollcall audit list --subject {batch_id}`"
                )
        return slot, excess

    async def _give_up(self, under_way: OrderWork, batch: Any) -> Sequence[str]:
        missing = await self._slots.give_up(
            under_way.connection, batch["batch_id"], batch["open_count"]
        )
        if not missing:
            raise TryAgain("an open slot of the batch is about to be filled, or is lacking")
        return missing

    async def _locked(self, under_way: OrderWork, batch_id: UUID) -> Any:
        batch = await self._orders.lock(under_way.connection, batch_id)
        if batch is None:
            raise OperatorError(f"batch {batch_id} is not registered")
        if batch["purged_at"] is not None:
            raise OperatorError(
                f"batch {batch_id} was purged at {batch['purged_at']:%Y-%m-%d %H:%M} UTC: nothing is"
                " left of it but its counts"
            )
        return batch

    async def _counts(self, under_way: OrderWork, batch_id: UUID) -> Counts:
        counts = await self._orders.counts(under_way.connection, batch_id)
        if counts is None:
            raise OperatorError(f"batch {batch_id} is not registered")
        return counts

    async def _outcome(
        self, under_way: OrderWork, batch_id: UUID, action: str, before: Counts, order: Order
    ) -> BatchOutcome:
        after = await self._counts(under_way, batch_id)
        return BatchOutcome(batch_id, action, order.dry_run, before, after)

    async def _written(
        self, under_way: OrderWork, batch_id: UUID, action: str, before: Counts, order: Order
    ) -> BatchOutcome:
        outcome = await self._outcome(under_way, batch_id, action, before, order)
        await under_way.write_down(action, str(batch_id), before, outcome.after)
        return outcome


def _excess(excess: Excess) -> Any:
    return excess_content(excess.claim, excess.reason)


def slot_holder(slot: Any, content: str | None = None) -> dict[str, Any]:
    """Who holds a slot, by ids alone: the audit keeps no file names."""
    held = {"position": slot["position"], "essay_id": slot["essay_id"]}
    if content is not None:
        return held | {"state": "filled", "text_storage_id": content, "file_upload_id": None}
    keys = ("state", "text_storage_id", "file_upload_id")
    return held | {key: slot[key] for key in keys}
