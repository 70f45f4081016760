"""What a test reads back: rows, and the events that committed transactions left for publication."""

from collections import Counter
from typing import Any, TypeVar
from uuid import UUID

import orjson

from rollcall.outbox.segment import SegmentCodec
from rollcall_events import Envelope, EventData
from rollcall_events.topics import topic_for

Data = TypeVar("Data", bound=EventData)


class Evidence:
    """Reads of one test, each on the connection it is given, which sees committed data alone."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def batch(self, batch_id: UUID) -> Any:
        """The row of a batch, or None."""
        return await self._connection.fetchrow("SELECT * FROM batch WHERE batch_id = $1", batch_id)

    async def counts(self, batch_id: UUID) -> tuple[int, int, int]:
        """Filled, failed and open slots, as counters; fails where counters and slots disagree."""
        batch = await self.batch(batch_id)
        states = Counter(slot["state"] for slot in await self.slots(batch_id))
        counters = (batch["filled_count"], batch["failed_count"], batch["open_count"])
        assert counters == (states["filled"], states["failed"], states["open"])
        assert batch["missing_count"] == states["missing"]
        return counters

    async def slots(self, batch_id: UUID) -> list[Any]:
        """Slots in order of position."""
        return list(
            await self._connection.fetch(
                "SELECT * FROM slot WHERE batch_id = $1 ORDER BY position", batch_id
            )
        )

    async def filled_slots(self) -> int:
        """How many slots of all batches hold a content."""
        count: int = await self._connection.fetchval(
            "SELECT count(*) FROM slot WHERE state = 'filled'"
        )
        return count

    async def texts(self, batch_id: UUID) -> list[str | None]:
        """The content in each slot, in order of position."""
        return [slot["text_storage_id"] for slot in await self.slots(batch_id)]

    async def unplaced(self, batch_id: UUID, outcome: str) -> list[str]:
        """Identities of what holds no slot, 'pending' or 'excess', sorted."""
        rows = await self._connection.fetch(
            "SELECT identity FROM unplaced WHERE batch_id = $1 AND outcome = $2 ORDER BY identity",
            batch_id,
            outcome,
        )
        return [row["identity"] for row in rows]

    async def announced(self, model: type[Data], batch_id: UUID | None = None) -> list[Data]:
        """What was announced by events of `model`, of one batch or all, in order of publication."""
        return [
            envelope.data
            for envelope in await self.envelopes(model)
            if batch_id in (None, getattr(envelope.data, "batch_id", None))
        ]

    async def envelopes(self, model: type[Data]) -> list[Envelope[Data]]:
        """Events of `model` as consumers will decode them, in order of publication."""
        topic = topic_for(model).name
        return [
            model.envelope().model_validate_json(value)
            for _, name, value in await self.published()
            if name == topic
        ]

    async def published(self) -> list[tuple[int, str, bytes]]:
        """All events in order of publication within each lane: lane, topic, message."""
        rows = await self._connection.fetch("SELECT lane, payload FROM segment ORDER BY lane, id")
        codec = SegmentCodec()
        return [
            (row["lane"], record.topic, record.value or b"")
            for row in rows
            for record in codec.decode(row["payload"])
        ]

    async def event_types(self, batch_id: UUID) -> list[str]:
        """Types of the events of a batch in order of publication."""
        messages = [orjson.loads(value) for _, _, value in await self.published()]
        return [
            message["event_type"]
            for message in messages
            if message["data"].get("batch_id") == str(batch_id)
        ]

    async def dead_letters(self) -> list[Any]:
        """Rows of dead letters in order of their offsets."""
        return list(
            await self._connection.fetch(
                "SELECT * FROM dead_letter ORDER BY topic, partition, record_offset"
            )
        )

    async def positions(self) -> dict[int, int]:
        """The position of each partition."""
        rows = await self._connection.fetch("SELECT partition, next_offset FROM position")
        return {row["partition"]: row["next_offset"] for row in rows}

    async def waiting_for_locks(self) -> int:
        """How many connections to this database wait for a lock that another one holds.

        Inside a transaction, PostgreSQL would tell again what it told first.
        """
        await self._connection.execute("SELECT pg_stat_clear_snapshot()")
        waiting: int = await self._connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return waiting
