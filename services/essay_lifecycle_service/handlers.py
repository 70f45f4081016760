"""Events in, effects out: registrations open slots, contents and failures take them."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from essay_lifecycle_service.domain.announcements import (
    CompletedBatch,
    completion,
    excess_content,
    slot_assigned,
)
from essay_lifecycle_service.domain.claims import (
    Claim,
    claim_of_content,
    claim_of_failure,
    distinct,
)
from essay_lifecycle_service.domain.placement import count_by_batch
from essay_lifecycle_service.domain.registration import registration_digest
from essay_lifecycle_service.store.batches import BatchStore
from essay_lifecycle_service.store.slots import SlotStore
from essay_lifecycle_service.store.unplaced import UnplacedStore
from rollcall import Event, Received, Transaction
from rollcall_events import (
    BatchEssaysRegisteredV1,
    EssayContentProvisionedV1,
    EssayValidationError,
    EssayValidationFailedV1,
    ExcessReason,
    ReadyEssay,
    ValidationErrorCode,
)

# Bounds of one transaction that places pending claims.
RECONCILED_CLAIMS = 1000
SWEPT_BATCHES = 100


class EssayLifecycle:
    """The handlers and the sweep of the service."""

    def __init__(self, batches: BatchStore, slots: SlotStore, unplaced: UnplacedStore) -> None:
        self._batches = batches
        self._slots = slots
        self._unplaced = unplaced

    async def register(
        self, received: Sequence[Received[BatchEssaysRegisteredV1]], tx: Transaction
    ) -> list[Event]:
        """Open batches with their slots. Repetitions change nothing, contradictions are rejected."""
        digests = [registration_digest(item.data) for item in received]
        first: dict[UUID, int] = {}
        for index, item in enumerate(received):
            first.setdefault(item.data.batch_id, index)
        opened = await self._batches.insert(
            tx.connection,
            [
                (received[index].data, received[index].envelope.correlation_id, digests[index])
                for index in first.values()
            ],
        )
        await self._slots.insert(
            tx.connection, (received[first[batch_id]].data for batch_id in sorted(opened))
        )
        known = await self._batches.digests(tx.connection, list(first))
        for item, digest in zip(received, digests, strict=True):
            if known[item.data.batch_id] != digest:
                tx.reject(
                    item,
                    "contradicting_registration",
                    f"batch {item.data.batch_id} is registered with other contents",
                )
        self._reconcile_after_commit(opened, tx)
        return []

    async def provision(
        self,
        received: Sequence[Received[EssayContentProvisionedV1] | Received[EssayValidationFailedV1]],
        tx: Transaction,
    ) -> list[Event]:
        """Give slots to contents and validation failures."""
        claims = distinct(_claim(item) for item in received)
        await self._place(claims, tx)
        self._reconcile_after_commit({claim.batch_id for claim in claims}, tx)
        return []

    async def sweep(self, tx: Transaction) -> list[Event]:
        """Place what is still pending in registered batches, whatever kept it from being placed."""
        batch_ids = await self._unplaced.batches_with_pending(tx.connection, SWEPT_BATCHES)
        return await self._reconcile(batch_ids, tx)

    def _reconcile_after_commit(self, batch_ids: Iterable[UUID], tx: Transaction) -> None:
        """Look for pending claims of batches just touched.

        Of a registration and a content that do not see each other, the one that commits last sees
        both here.
        """
        if touched := sorted(batch_ids):
            tx.after_commit(lambda later: self._reconcile(touched, later))

    async def _reconcile(self, batch_ids: Sequence[UUID], tx: Transaction) -> list[Event]:
        claims = await self._unplaced.take_back(tx.connection, batch_ids, RECONCILED_CLAIMS)
        if claims and await self._place(claims, tx) and len(claims) == RECONCILED_CLAIMS:
            self._reconcile_after_commit(batch_ids, tx)
        return []

    async def _place(self, claims: Sequence[Claim], tx: Transaction) -> bool:
        """Give slots to claims, count them, keep the rest, and complete the batches that are full.

        Returns whether any claim found its final place.

        The order matters: counters after slots, so that only one transaction sees a batch become
        full; the rest after the counters, so that it sees what this transaction filled.
        """
        placement = await self._slots.take(tx.connection, claims)
        full: list[UUID] = []
        if placement.taken:
            counts = count_by_batch(placement.taken)
            full = await self._batches.count_taken(tx.connection, counts)
        excess: list[Claim] = []
        if placement.left:
            excess = await self._unplaced.leave(tx.connection, placement.left)
        await tx.publish(
            slot_assigned(taken) for taken in placement.taken if taken.claim.kind == "content"
        )
        await tx.publish(
            excess_content(claim, ExcessReason.NO_AVAILABLE_SLOT)
            for claim in excess
            if claim.kind == "content"
        )
        for batch_id in full:
            await self._complete(batch_id, tx)
        return bool(placement.taken or excess)

    async def _complete(self, batch_id: UUID, tx: Transaction) -> None:
        """Announce a batch; one at a time, so that memory holds the essays of one batch only."""
        await self._batches.complete(tx.connection, batch_id)
        batch = await self._batches.registration(tx.connection, batch_id)
        slots = await self._slots.of_batch(tx.connection, batch_id)
        complete = CompletedBatch(
            batch_id=batch_id,
            correlation_id=batch["correlation_id"],
            expected_count=batch["expected_count"],
            course_code=batch["course_code"],
            essay_instructions=batch["essay_instructions"],
            user_id=batch["user_id"],
            ready=tuple(
                ReadyEssay.model_construct(
                    essay_id=slot["essay_id"], text_storage_id=slot["text_storage_id"]
                )
                for slot in slots
                if slot["text_storage_id"] is not None
            ),
            failed=tuple(
                EssayValidationError.model_construct(
                    essay_id=slot["essay_id"],
                    file_upload_id=slot["file_upload_id"],
                    original_file_name=slot["original_file_name"],
                    validation_error_code=ValidationErrorCode(slot["validation_error_code"]),
                    validation_error_detail=slot["validation_error_detail"],
                )
                for slot in slots
                if slot["validation_error_code"] is not None
            ),
        )
        await tx.publish(completion(complete))


def _claim(
    received: Received[EssayContentProvisionedV1] | Received[EssayValidationFailedV1],
) -> Claim:
    correlation_id = received.envelope.correlation_id
    data = received.data
    if isinstance(data, EssayContentProvisionedV1):
        return claim_of_content(data, correlation_id)
    return claim_of_failure(data, correlation_id)
