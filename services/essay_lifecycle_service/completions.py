"""Announces complete batches: the one place that does, whatever made them complete."""

from uuid import UUID

from essay_lifecycle_service.domain.announcements import CompletedBatch, completion
from essay_lifecycle_service.failpoints import EssayFailpoint
from essay_lifecycle_service.metrics import OutcomeMetrics
from essay_lifecycle_service.store.batches import BatchStore
from essay_lifecycle_service.store.slots import SlotStore
from essay_lifecycle_service.store.traces import TraceStore
from rollcall import Transaction, failpoints


class Completions:
    """Records and announces completions."""

    def __init__(
        self, batches: BatchStore, slots: SlotStore, traces: TraceStore, metrics: OutcomeMetrics
    ) -> None:
        self._batches = batches
        self._slots = slots
        self._traces = traces
        self._metrics = metrics

    async def announce(self, batch_id: UUID, tx: Transaction) -> None:
        """Announce a batch whose row says that it is complete by this transaction.

        Raises:
            asyncpg.UniqueViolationError: its completion was announced before.
        """
        await self._batches.complete(tx.connection, batch_id)
        failpoints.reached(EssayFailpoint.COMPLETION_WRITTEN)
        complete = await self.whole(batch_id, tx)
        causes = await self._traces.of_complete(tx.connection, batch_id) if tx.tracing else ()
        await tx.publish(completion(complete, causes))
        tx.count(self._metrics.batches_completed_total)
        tx.log(
            "batch_completed",
            correlation_id=str(complete.correlation_id),
            batch_id=str(batch_id),
            filled=len(complete.ready),
            failed=len(complete.failed),
            missing=len(complete.missing),
        )

    async def whole(self, batch_id: UUID, tx: Transaction) -> CompletedBatch:
        """All that the announcement of a complete batch says.

        Its slots are read page by page, so that memory does not hold all of a large batch as rows.
        """
        batch = await self._batches.registration(tx.connection, batch_id)
        complete = CompletedBatch(batch_id, **batch)
        async for slots in self._slots.of_batch(tx.connection, batch_id):
            complete.add(slots)
        return complete
