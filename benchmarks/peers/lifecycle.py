"""What an event does in a per-event service, in one database transaction with its outbox rows.

Slots are taken with SKIP LOCKED, repetitions are stopped by the unique index, events leave through
an outbox table. Shared by every per-event peer, so that only the framework differs.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.peers import store
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchEssaysRegisteredV1,
    Envelope,
    EssayContentProvisionedV1,
    EssaySlotAssignedV1,
    EventData,
    ExcessContentProvisionedV1,
    ExcessReason,
    ReadyEssay,
    deterministic_event_id,
)
from rollcall_events.topics import topic_for


@dataclass(frozen=True)
class Settings:
    """Where the servers are."""

    bootstrap_servers: str
    dsn: str
    schema: str
    group: str
    topic_prefix: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables that the benchmark gives to every contestant."""
        return cls(
            environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"],
            environment["ROLLCALL_POSTGRES_DSN"],
            environment["ROLLCALL_DATABASE_SCHEMA"],
            environment["ROLLCALL_CONSUMER_GROUP"],
            environment["ROLLCALL_TOPIC_PREFIX"],
        )

    def topic(self, model: type[EventData]) -> str:
        """The topic of a model in this deployment."""
        return topic_for(model).prefixed(self.topic_prefix)


class Lifecycle:
    """What one event does, in one transaction."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def register_record(self, connection: Any, value: bytes) -> None:
        """Decode a registration and open the slots of its batch."""
        await self.register(
            connection, BatchEssaysRegisteredV1.envelope().model_validate_json(value)
        )

    async def provision_record(self, connection: Any, value: bytes) -> None:
        """Decode a content and give it a slot."""
        await self.provision(
            connection, EssayContentProvisionedV1.envelope().model_validate_json(value)
        )

    async def register(self, connection: Any, envelope: Envelope[BatchEssaysRegisteredV1]) -> None:
        """Open the slots of a batch."""
        async with connection.transaction():
            await store.insert_batch(connection, envelope.data, envelope.correlation_id)

    async def provision(
        self, connection: Any, envelope: Envelope[EssayContentProvisionedV1]
    ) -> None:
        """Give one content a slot; complete its batch with the last one."""
        content, correlation_id = envelope.data, envelope.correlation_id
        try:
            async with connection.transaction():
                slot = await store.take_slot(connection, content, correlation_id)
                if slot is None:
                    await self._excess(connection, content, correlation_id)
                else:
                    await self._assigned(connection, content, correlation_id, slot)
        except asyncpg.UniqueViolationError:
            return  # a repetition: the content holds a slot already

    async def _assigned(
        self,
        connection: Any,
        content: EssayContentProvisionedV1,
        correlation_id: UUID,
        slot: Any,
    ) -> None:
        batch = await store.count_filled(connection, content.batch_id)
        assigned = EssaySlotAssignedV1(
            essay_id=slot["essay_id"], slot_position=slot["position"], **content.model_dump()
        )
        await self._publish(connection, assigned, correlation_id, content.text_storage_id)
        if batch["complete"]:
            await self._complete(connection, content.batch_id, batch)

    async def _complete(self, connection: Any, batch_id: UUID, batch: Any) -> None:
        rows = await store.insert_completion(connection, batch_id)
        essays = tuple(ReadyEssay(**row) for row in rows)
        completed = BatchContentProvisioningCompletedV1(
            batch_id=batch_id,
            expected_count=batch["expected_count"],
            provisioned_count=len(essays),
            failed_count=0,
            course_code=batch["course_code"],
            user_id=batch["user_id"],
            essays_for_processing=essays,
        )
        ready = BatchEssaysReadyV1(
            batch_id=batch_id,
            ready_essays=essays,
            course_code=batch["course_code"],
            essay_instructions=batch["essay_instructions"],
            user_id=batch["user_id"],
        )
        await self._publish(connection, completed, batch["correlation_id"])
        await self._publish(connection, ready, batch["correlation_id"])

    async def _excess(
        self, connection: Any, content: EssayContentProvisionedV1, correlation_id: UUID
    ) -> None:
        if await store.insert_excess(connection, content, correlation_id):
            excess = ExcessContentProvisionedV1(
                reason=ExcessReason.NO_AVAILABLE_SLOT, **content.model_dump()
            )
            await self._publish(connection, excess, correlation_id, content.text_storage_id)

    async def _publish(
        self, connection: Any, data: Any, correlation_id: UUID, content: str = ""
    ) -> None:
        envelope = data.enveloped(
            event_id=deterministic_event_id(data.event_type, data.batch_id, content),
            event_timestamp=datetime.now(UTC),
            source_service="per-event",
            correlation_id=correlation_id,
        )
        await store.insert_outbox(
            connection,
            self._settings.topic(type(data)),
            str(data.batch_id).encode(),
            envelope.model_dump_json().encode(),
        )
