"""The periodic look at what time alone brings about, or what a crash left undone."""

from essay_lifecycle_service.deadlines import Deadlines
from essay_lifecycle_service.handlers import EssayLifecycle
from essay_lifecycle_service.metrics import Ages, SweepMetrics
from essay_lifecycle_service.store.batches import BatchStore
from essay_lifecycle_service.store.unplaced import UnplacedStore
from rollcall import Event, Transaction

STUCK_SECONDS = 300.0
PAST_DEADLINE_SECONDS = 60.0


class Sweep:
    """Runs in one instance at a time."""

    def __init__(
        self,
        lifecycle: EssayLifecycle,
        deadlines: Deadlines,
        batches: BatchStore,
        unplaced: UnplacedStore,
        metrics: SweepMetrics,
    ) -> None:
        self._lifecycle = lifecycle
        self._deadlines = deadlines
        self._batches = batches
        self._unplaced = unplaced
        self._metrics = metrics

    async def run(self, tx: Transaction) -> list[Event]:
        """Report ages; then place what is pending in registered batches, and time out what is due."""
        await self._report(tx)
        tx.after_commit(self._lifecycle.sweep)
        tx.after_commit(self._deadlines.look)
        return []

    async def _report(self, tx: Transaction) -> None:
        oldest_seconds, stuck = await self._unplaced.pending_ages(tx.connection, STUCK_SECONDS)
        late = await self._batches.count_past_deadline(tx.connection, PAST_DEADLINE_SECONDS)
        self._metrics.report(Ages(oldest_seconds, stuck, late))
