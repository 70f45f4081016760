"""Events in, effects out: registrations open slots, contents and failures take them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from essay_lifecycle_service.completions import Completions
from essay_lifecycle_service.domain.announcements import (
    excess_content,
    slot_assigned,
)
from essay_lifecycle_service.domain.claims import (
    Claim,
    claim_of_content,
    claim_of_failure,
    distinct,
)
from essay_lifecycle_service.domain.deadline import DeadlineDefaults
from essay_lifecycle_service.domain.placement import (
    Counted,
    Excess,
    Taken,
    count_by_batch,
    still_open,
)
from essay_lifecycle_service.domain.registration import Registration, first_of_each_batch
from essay_lifecycle_service.failpoints import EssayFailpoint
from essay_lifecycle_service.log_lines import log_excess, log_opened
from essay_lifecycle_service.metrics import OutcomeMetrics
from essay_lifecycle_service.store.batches import BatchStore
from essay_lifecycle_service.store.slots import SlotStore
from essay_lifecycle_service.store.traces import TraceStore
from essay_lifecycle_service.store.unplaced import FIRST_PENDING, PendingPlace, UnplacedStore
from rollcall import Event, InParts, Received, Transaction, failpoints
from rollcall_events import (
    BatchEssaysRegisteredV1,
    EssayContentProvisionedV1,
    EssayValidationFailedV1,
)

# Bounds of one transaction that places pending claims.
RECONCILED_CLAIMS = 1000


class EssayLifecycle:
    """The handlers of the service, and the sweep of what they left pending."""

    def __init__(
        self,
        batches: BatchStore,
        slots: SlotStore,
        unplaced: UnplacedStore,
        traces: TraceStore,
        completions: Completions,
        deadlines: DeadlineDefaults,
        metrics: OutcomeMetrics,
    ) -> None:
        self._batches = batches
        self._slots = slots
        self._unplaced = unplaced
        self._traces = traces
        self._completions = completions
        self._deadlines = deadlines
        self._metrics = metrics

    async def register(
        self, received: Sequence[Received[BatchEssaysRegisteredV1]], tx: Transaction
    ) -> list[Event]:
        """Open batches with their slots. Repetitions change nothing, contradictions are rejected."""
        registrations = [
            Registration.of(item.data, item.envelope.correlation_id) for item in received
        ]
        candidates = first_of_each_batch(registrations)
        opened = await self._batches.insert(
            tx.connection, list(candidates.values()), self._deadlines
        )
        failpoints.reached(EssayFailpoint.BATCHES_WRITTEN)
        await self._slots.insert(
            tx.connection, (candidates[batch_id].event for batch_id in sorted(opened))
        )
        failpoints.reached(EssayFailpoint.REGISTRATIONS_WRITTEN)
        if tx.tracing:
            traces = {item.data.batch_id: item.record.trace for item in received}
            opened_traces = {batch_id: traces[batch_id] for batch_id in opened}
            await self._traces.remember_registrations(tx.connection, opened_traces)
        for batch_id in opened:
            log_opened(candidates[batch_id], tx)
        known = await self._batches.digests(tx.connection, list(candidates))
        for item, registration in zip(received, registrations, strict=True):
            if known[registration.batch_id] != registration.digest:
                tx.reject(
                    item,
                    "contradicting_registration",
                    f"batch {registration.batch_id} is registered with other contents",
                )
        repeated = {
            batch_id: registration.event
            for batch_id, registration in candidates.items()
            if batch_id not in opened and known[batch_id] == registration.digest
        }
        repaired = await self._repair(repeated, tx) if repeated else []
        self.reconcile_after_commit([*opened, *repaired], tx)
        return []

    async def _repair(
        self, repeated: Mapping[UUID, BatchEssaysRegisteredV1], tx: Transaction
    ) -> list[UUID]:
        """Open the slots that a batch lacks although it is registered, as its registration says.

        No transaction of ours leaves a batch half registered; a restored table or a hand may.
        """
        lacking = await self._batches.lacking_slots(tx.connection, list(repeated))
        if lacking:
            await self._slots.repair(tx.connection, [repeated[batch_id] for batch_id in lacking])
            failpoints.reached(EssayFailpoint.SLOTS_REPAIRED)
        for batch_id in lacking:
            tx.log("batch_repaired", batch_id=str(batch_id))
        return lacking

    async def provision(
        self,
        received: Sequence[Received[EssayContentProvisionedV1] | Received[EssayValidationFailedV1]],
        tx: Transaction,
    ) -> list[Event]:
        """Give slots to contents and validation failures."""
        await self._place(distinct([_claim(item) for item in received]), tx)
        return []

    async def sweep(self, tx: Transaction) -> list[Event]:
        """Place what is still pending in registered batches, whatever kept it from being placed."""
        return await self._sweep_behind(FIRST_PENDING, tx)

    async def _sweep_behind(self, after: PendingPlace, tx: Transaction) -> list[Event]:
        """A page of pending claims at a time; one that cannot be placed does not hold up the rest."""
        found = await self._unplaced.pending_of_registered(tx.connection, after, RECONCILED_CLAIMS)
        failpoints.reached(EssayFailpoint.PENDING_FOUND)
        if found:
            tx.after_commit(InParts(found, self._place_again))
            tx.after_commit(lambda later: self._sweep_behind(found[-1], later))
        return []

    async def _place_again(self, places: Sequence[PendingPlace], tx: Transaction) -> list[Event]:
        claims = await self._unplaced.take_back_claims(tx.connection, places)
        await self._place_taken_back(claims, tx)
        return []

    def reconcile_after_commit(self, batch_ids: Iterable[UUID], tx: Transaction) -> None:
        """Look for pending claims of these batches once this transaction is visible to all.

        Of a registration and a content that do not see each other, the one that commits last sees
        both here.
        """
        if wanted := sorted(set(batch_ids)):
            tx.after_commit(lambda later: self._reconcile(wanted, later))

    async def reconcile(self, batch_id: UUID, tx: Transaction) -> None:
        """Place what is pending for a registered batch, as far as it fits into this transaction.

        More of it follows after the commit.
        """
        await self._reconcile([batch_id], tx)

    async def _reconcile(self, batch_ids: Sequence[UUID], tx: Transaction) -> list[Event]:
        claims = await self._unplaced.take_back(tx.connection, batch_ids, RECONCILED_CLAIMS)
        if await self._place_taken_back(claims, tx):
            self.reconcile_after_commit(batch_ids, tx)
        return []

    async def _place_taken_back(self, claims: Sequence[Claim], tx: Transaction) -> bool:
        """Place what was pending; returns whether any claim found its final place."""
        if not claims:
            return False
        failpoints.reached(EssayFailpoint.PENDING_TAKEN_BACK)
        if tx.tracing:
            await self._traces.recall(tx.connection, claims)
        return await self._place(claims, tx, reconciling=True)

    async def _place(
        self, claims: Sequence[Claim], tx: Transaction, *, reconciling: bool = False
    ) -> bool:
        """Give slots to claims, count them, keep the rest, and complete the batches that are full.

        The order matters: counters after slots, so that only one transaction sees a batch become
        full; the rest after the counters, so that it sees what this transaction filled. Returns
        whether any claim found its final place.
        """
        placement = await self._slots.take(tx.connection, claims)
        failpoints.reached(EssayFailpoint.CONTENT_TAKEN)
        counted = Counted([], [])
        if placement.taken:
            counts = count_by_batch(placement.taken)
            counted = await self._batches.count_taken(tx.connection, counts)
            failpoints.reached(EssayFailpoint.COUNTED)
        excess: list[Excess] = []
        if placement.left:
            excess = await self._unplaced.leave(tx.connection, placement.left)
            failpoints.reached(EssayFailpoint.REST_WRITTEN)
        if not reconciling:
            waiting = [claim.batch_id for claim in placement.left]
            self.reconcile_after_commit([*waiting, *counted.with_pending], tx)
        await tx.publish(
            slot_assigned(taken) for taken in placement.taken if taken.claim.kind == "content"
        )
        await tx.publish(
            excess_content(one.claim, one.reason) for one in excess if one.claim.kind == "content"
        )
        failpoints.reached(EssayFailpoint.SLOTS_ANNOUNCED)
        self._count(placement.taken, excess, tx)
        log_excess(excess, tx)
        if tx.tracing:
            await self._traces.remember(tx.connection, still_open(placement, excess))
        for batch_id in counted.completed:
            await self._completions.announce(batch_id, tx)
        return bool(placement.taken or excess)

    def _count(self, taken: Sequence[Taken], excess: Sequence[Excess], tx: Transaction) -> None:
        for kind, amount in Counter([one.claim.kind for one in taken]).items():
            tx.count(self._metrics.slots_taken_total.labels(kind), amount)
        tx.count(self._metrics.excess_total, len(excess))


def _claim(
    received: Received[EssayContentProvisionedV1] | Received[EssayValidationFailedV1],
) -> Claim:
    correlation_id, trace = received.envelope.correlation_id, received.record.trace
    data = received.data
    if isinstance(data, EssayContentProvisionedV1):
        return claim_of_content(data, correlation_id, trace)
    return claim_of_failure(data, correlation_id, trace)
