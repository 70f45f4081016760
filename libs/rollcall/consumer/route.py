"""Which handler takes which events."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rollcall.consumer.chunk import Chunk
from rollcall.consumer.records import Received
from rollcall.consumer.transaction import Transaction
from rollcall.database.transaction_connection import FEW_RECORDS
from rollcall.outbox.event import Event
from rollcall_events import EventData

Handler = Callable[[Sequence[Received[Any]], Transaction], Awaitable[Iterable[Event] | None]]


@dataclass(slots=True, frozen=True)
class Route:
    """A handler and the models whose events it takes; routes run in the order of their list."""

    models: frozenset[type[EventData]]
    handler: Handler
    skips_known: bool = False
    """To handle a record twice changes nothing: a filter may leave out the second time."""
    keeps_plans: bool = False
    """Of a few records it makes few rows: plans for any number of rows will do."""


def may_keep_plans(chunk: Chunk, routes: Sequence[Route]) -> bool:
    """Whether a chunk is small to the database, too, and not only when it arrives."""
    return len(chunk.items) <= FEW_RECORDS and all(
        route.keeps_plans or not chunk.received(route.models) for route in routes
    )
