"""Times batches out: announces deadlines that passed, and gives up open slots if the policy says so."""

from collections.abc import Sequence
from uuid import UUID

from essay_lifecycle_service.completions import Completions
from essay_lifecycle_service.domain.announcements import readiness_timeout
from essay_lifecycle_service.domain.deadline import (
    FIRST_DUE,
    DueBatch,
    DuePlace,
    State,
    bounded,
)
from essay_lifecycle_service.failpoints import EssayFailpoint
from essay_lifecycle_service.handlers import EssayLifecycle
from essay_lifecycle_service.store.batches import BatchStore
from essay_lifecycle_service.store.slots import SlotStore
from rollcall import Event, InParts, Transaction, failpoints

# Bounds of one transaction, because what it touches stays locked until it commits.
TIMED_OUT_BATCHES = 100
TIMED_OUT_SLOTS = 20_000


class Deadlines:
    """Finds batches whose deadline has passed on the database's clock, and times them out.

    Nothing here waits for a lock that a chunk holds: a batch that is being filled or completed at
    this moment is left for the next look. So no chunk and no time-out can wait for each other.
    """

    def __init__(
        self,
        batches: BatchStore,
        slots: SlotStore,
        completions: Completions,
        lifecycle: EssayLifecycle,
    ) -> None:
        self._batches = batches
        self._slots = slots
        self._completions = completions
        self._lifecycle = lifecycle

    async def look(self, tx: Transaction, after: DuePlace = FIRST_DUE) -> list[Event]:
        """Have every batch that is due timed out, in transactions of their own."""
        found = await self._batches.past_deadline(tx.connection, after, TIMED_OUT_BATCHES)
        if due := bounded(found, TIMED_OUT_SLOTS):
            failpoints.reached(EssayFailpoint.DEADLINES_FOUND)
            batch_ids = [item.place.batch_id for item in due]
            tx.after_commit(InParts(batch_ids, self._time_out))
            tx.after_commit(lambda later: self.look(later, due[-1].place))
        return []

    async def _time_out(self, batch_ids: Sequence[UUID], tx: Transaction) -> list[Event]:
        """Time batches out: state and announcement of each, then the completions.

        The rows stay locked to the end, so whoever counts slots of these batches comes before or
        after all of it.
        """
        outcomes: list[tuple[UUID, State]] = []
        for batch in await self._batches.lock_past_deadline(tx.connection, batch_ids):
            missing = await self._missing(batch, tx)
            failpoints.reached(EssayFailpoint.SLOTS_GIVEN_UP)
            if not missing:
                continue
            outcomes.append((batch.batch_id, batch.next_state))
            await tx.publish([readiness_timeout(batch, missing)])
            _log_timed_out(batch, tx)
        if outcomes:
            await self._batches.time_out(tx.connection, outcomes)
            failpoints.reached(EssayFailpoint.TIMED_OUT)
        for batch_id in (batch_id for batch_id, state in outcomes if state == "completed"):
            await self._completions.announce(batch_id, tx)
        self._lifecycle.reconcile_after_commit(
            (batch_id for batch_id, state in outcomes if state != "open"), tx
        )
        return []

    async def _missing(self, batch: DueBatch, tx: Transaction) -> list[str]:
        """Essays for which nothing came; none if the batch cannot give its open slots up now."""
        if batch.next_state == "open":
            return await self._slots.open_essays(tx.connection, batch.batch_id)
        return await self._slots.give_up(tx.connection, batch.batch_id, batch.open_count)


def _log_timed_out(batch: DueBatch, tx: Transaction) -> None:
    tx.log(
        "batch_timed_out",
        correlation_id=str(batch.correlation_id),
        batch_id=str(batch.batch_id),
        policy=batch.deadline_policy,
        open=batch.open_count,
    )
