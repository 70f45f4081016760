"""Announces complete batches: the one place that does, whatever made them complete."""

from uuid import UUID

from essay_lifecycle_service.domain.announcements import CompletedBatch, completion
from essay_lifecycle_service.failpoints import EssayFailpoint
from essay_lifecycle_service.metrics import OutcomeMetrics
from essay_lifecycle_service.store.batches import BatchStore
from essay_lifecycle_service.store.slots import SlotStore
from rollcall import Transaction, failpoints


class Completions:
    """Records and announces completions."""

    def __init__(self, batches: BatchStore, slots: SlotStore, metrics: OutcomeMetrics) -> None:
        self._batches = batches
        self._slots = slots
        self._metrics = metrics

    async def announce(self, batch_id: UUID, tx: Transaction) -> None:
        """Announce a batch whose row says that it is complete by this transaction.

        One at a time, so that memory holds the essays of one batch only.

        Raises:
            asyncpg.UniqueViolationError: its completion was announced before.
        """
        await self._batches.complete(tx.connection, batch_id)
        failpoints.reached(EssayFailpoint.COMPLETION_WRITTEN)
        batch = await self._batches.registration(tx.connection, batch_id)
        slots = await self._slots.of_batch(tx.connection, batch_id)
        complete = CompletedBatch.of_rows(batch_id, batch, slots)
        await tx.publish(completion(complete))
        tx.count(self._metrics.batches_completed_total)
        tx.log(
            "batch_completed",
            correlation_id=str(complete.correlation_id),
            batch_id=str(batch_id),
            filled=len(complete.ready),
            failed=len(complete.failed),
            missing=len(complete.missing),
        )
