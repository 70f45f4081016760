"""Reads for the API, each on a connection of its own."""

from typing import Any
from uuid import UUID

from essay_lifecycle_service.store.batches import BatchStore
from essay_lifecycle_service.store.slots import SlotStore
from rollcall import Database


class BatchReader:
    """What the API asks of the database."""

    def __init__(self, database: Database, batches: BatchStore, slots: SlotStore) -> None:
        self._database = database
        self._batches = batches
        self._slots = slots

    async def batch(self, batch_id: UUID) -> Any:
        """A batch with its counts and times, or None."""
        async with self._database.acquire() as connection:
            return await self._batches.overview(connection, batch_id)

    async def essays(self, batch_id: UUID, after_position: int, limit: int) -> list[Any]:
        """Slots of a batch behind a position."""
        async with self._database.acquire() as connection:
            return await self._slots.page(connection, batch_id, after_position, limit)

    async def essay(self, batch_id: UUID, essay_id: str) -> Any:
        """The slot of an essay, or None."""
        async with self._database.acquire() as connection:
            return await self._slots.of_essay(connection, batch_id, essay_id)
