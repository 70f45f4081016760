"""What each lock, order and constraint of a placement is there for, one at a time."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from essay_lifecycle_service.domain.claims import claim_of_content
from essay_lifecycle_service.store.slots import SlotStore
from rollcall import Received, Transaction
from rollcall_events import EssaySlotAssignedV1
from tests.db.conftest import OpenReplica
from tests.db.connected import connected
from tests.db.events import CORRELATION_ID, content, contents, registration
from tests.db.evidence import Evidence
from tests.db.pause import Pause
from tests.db.replica import Replica
from tests.eventually import eventually


async def test_a_locked_slot_is_passed_over_without_waiting(
    replica: Replica, database: str, connection: Any, batch_id: UUID
):
    """Waiting for it would serialise all chunks of a batch."""
    await replica.handle(registration(batch_id, 2))
    claim = claim_of_content(content(batch_id, "text"), CORRELATION_ID)
    async with connected(database, "els") as holder, holder.transaction():
        await holder.execute(
            "SELECT FROM slot WHERE batch_id = $1 AND position = 0 FOR UPDATE", batch_id
        )
        await connection.execute("SET lock_timeout = '500ms'")
        placement = await SlotStore().take(connection, [claim])
    assert [taken.position for taken in placement.taken] == [1]


async def test_two_chunks_at_once_never_take_the_same_slot(
    replica: Replica, replicas: OpenReplica, evidence: Evidence, batch_id: UUID
):
    await replica.handle(registration(batch_id, 3))
    pause = Pause()
    first, second = await replicas("first", after=pause), await replicas("second")
    one = asyncio.create_task(first.handle(content(batch_id, "one"), partition=1))
    await pause.inside.wait()
    two = asyncio.create_task(second.handle(content(batch_id, "two"), partition=2))
    await eventually(evidence.waiting_for_locks)
    pause.leave.set()
    await asyncio.gather(one, two)
    assert await evidence.texts(batch_id) == ["one", "two", None]


async def test_the_same_content_in_two_open_transactions_takes_one_slot(
    replica: Replica, replicas: OpenReplica, evidence: Evidence, batch_id: UUID
):
    """Neither sees the other; the partial unique index is the last word."""
    await replica.handle(registration(batch_id, 3))
    pause = Pause()
    first, second = await replicas("first", after=pause), await replicas("second")
    one = asyncio.create_task(first.handle(content(batch_id, "same"), partition=1))
    await pause.inside.wait()
    two = asyncio.create_task(second.handle(content(batch_id, "same"), partition=2))
    await eventually(evidence.waiting_for_locks)
    pause.leave.set()
    await asyncio.gather(one, two)
    assert await evidence.texts(batch_id) == ["same", None, None]
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 1


async def test_what_is_left_by_the_chunk_that_fills_a_batch_is_excess_in_that_very_transaction(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
):
    """Not pending until a later job: a crash in between would delay its announcement."""
    seen: list[str] = []

    async def look(_: Sequence[Received[Any]], tx: Transaction) -> None:
        rows = await tx.connection.fetch("SELECT outcome FROM unplaced")
        seen.extend(row["outcome"] for row in rows)

    replica = await replicas(after=look)
    await replica.handle(registration(batch_id, 1), *contents(batch_id, 2))
    assert seen == ["excess"]


async def test_a_second_completion_of_a_batch_is_impossible(
    replica: Replica, connection: Any, batch_id: UUID
):
    await replica.handle(registration(batch_id, 1), content(batch_id, "text"))
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("INSERT INTO completion (batch_id) VALUES ($1)", batch_id)


async def test_counters_of_an_earlier_chunk_are_kept_when_two_count_at_once(
    replica: Replica, replicas: OpenReplica, evidence: Evidence
):
    """The second to count starts from what the first has committed, not from what it saw before."""
    batch_id = uuid.uuid4()
    await replica.handle(registration(batch_id, 3))
    pause = Pause()
    first, second = await replicas("first", after=pause), await replicas("second")
    one = asyncio.create_task(first.handle(content(batch_id, "one"), partition=1))
    await pause.inside.wait()
    two = asyncio.create_task(second.handle(content(batch_id, "two"), partition=2))
    await eventually(evidence.waiting_for_locks)
    pause.leave.set()
    await asyncio.gather(one, two)
    assert await evidence.counts(batch_id) == (2, 0, 1)
