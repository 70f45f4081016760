"""The periodic look at what time alone brings about, or what a crash left undone."""

from essay_lifecycle_service.deadlines import Deadlines
from essay_lifecycle_service.handlers import EssayLifecycle
from rollcall import Event, Transaction


class Sweep:
    """Runs in one instance at a time."""

    def __init__(self, lifecycle: EssayLifecycle, deadlines: Deadlines) -> None:
        self._lifecycle = lifecycle
        self._deadlines = deadlines

    async def run(self, tx: Transaction) -> list[Event]:
        """Place what is still pending in registered batches, then time out those that are due."""
        tx.after_commit(self._lifecycle.sweep)
        tx.after_commit(self._deadlines.look)
        return []
