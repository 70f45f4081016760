"""Jobs on many items, of which one that cannot be handled must not hold up the others."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rollcall.consumer.definitions import called
from rollcall.consumer.transaction import Job, Transaction
from rollcall.outbox.event import Event


@dataclass(slots=True, frozen=True)
class InParts:
    """A job on items that may be handled in one transaction or in several.

    If it fails for a reason in its data it is run again in halves, until the item that cannot be
    handled stands alone; that one is logged and left as it is.
    """

    items: Sequence[Any]
    work: Callable[[Sequence[Any], Transaction], Awaitable[Iterable[Event] | None]]

    async def __call__(self, tx: Transaction) -> Iterable[Event] | None:
        """Handle all items in one transaction."""
        return await self.work(self.items, tx)

    def halves(self) -> "list[InParts]":
        """The same job in two parts; none of a single item."""
        middle = len(self.items) // 2
        if not middle:
            return []
        return [InParts(self.items[:middle], self.work), InParts(self.items[middle:], self.work)]


def name_of(job: Job) -> str:
    """What a job is about, for the log: its items if it has any."""
    items = list(job.items) if isinstance(job, InParts) else []
    return repr(items)[:200] if items else called(job)
