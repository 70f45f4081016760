"""Content for which no slot is left is excess, once; a slot that is only locked is not taken."""

import asyncio
from typing import Any
from uuid import UUID

from rollcall_events import EssaySlotAssignedV1, ExcessContentProvisionedV1, ExcessReason
from tests.db.conftest import OpenReplica
from tests.db.events import CORRELATION_ID, content, contents, failure, registration
from tests.db.evidence import Evidence
from tests.db.pause import Pause
from tests.db.replica import Replica
from tests.eventually import eventually


async def test_of_thirty_contents_at_once_fifteen_are_assigned_and_fifteen_are_excess(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    """Three replicas, ten contents each, every one in a chunk of its own."""
    three = [await replicas(name, connections=5) for name in "abc"]
    await three[0].handle(registration(batch_id, 15), partition=99)
    texts = contents(batch_id, 30)

    await asyncio.gather(*(three[n % 3].handle(text, partition=n) for n, text in enumerate(texts)))
    await three[0].sweep()

    assert await evidence.counts(batch_id) == (15, 0, 0)
    assigned = [e.text_storage_id for e in await evidence.announced(EssaySlotAssignedV1)]
    excess = [e.text_storage_id for e in await evidence.announced(ExcessContentProvisionedV1)]
    assert (len(assigned), len(excess)) == (15, 15)
    assert sorted(assigned + excess) == [text.text_storage_id for text in texts]
    assert await evidence.unplaced(batch_id, "excess") == sorted(excess)
    assert await evidence.unplaced(batch_id, "pending") == []


async def test_thirty_contents_in_one_chunk_fill_fifteen_slots_in_order_of_arrival(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 15), *contents(batch_id, 30))
    texts = [f"text-{number:05d}" for number in range(30)]
    assert await evidence.texts(batch_id) == texts[:15]
    assert await evidence.unplaced(batch_id, "excess") == texts[15:]


async def test_content_for_a_completed_batch_is_excess(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1), content(batch_id, "first"))
    late = content(batch_id, "late")
    await replica.handle(late)
    (event,) = await evidence.envelopes(ExcessContentProvisionedV1)
    assert event.data.model_dump() == late.model_dump() | {"reason": ExcessReason.NO_AVAILABLE_SLOT}
    assert event.correlation_id == CORRELATION_ID


async def test_excess_is_announced_once_however_often_its_content_arrives(
    replica: Replica, replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1), content(batch_id, "first"))
    other = await replicas("other", connections=8)
    late = content(batch_id, "late")

    await asyncio.gather(*(other.handle(late, late, partition=n) for n in range(1, 9)))
    await replica.handle(late)

    assert len(await evidence.announced(ExcessContentProvisionedV1)) == 1
    assert await evidence.unplaced(batch_id, "excess") == ["late"]


async def test_a_filled_content_that_arrives_again_after_completion_is_not_excess(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1), content(batch_id, "first"))
    await replica.handle(content(batch_id, "first"))
    assert await evidence.unplaced(batch_id, "excess") == []
    assert await evidence.announced(ExcessContentProvisionedV1) == []


async def test_a_validation_failure_without_slot_is_kept_but_not_announced(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    """Excess announcements speak of contents; a failure has none."""
    await replica.handle(registration(batch_id, 1), content(batch_id, "first"))
    await replica.handle(failure(batch_id, "late-file"))
    assert await evidence.unplaced(batch_id, "excess") == ["late-file"]
    assert await evidence.announced(ExcessContentProvisionedV1) == []
    assert await evidence.counts(batch_id) == (1, 0, 0)


async def test_slots_locked_by_another_make_content_pending_and_never_excess(
    replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2))
    async with connection.transaction():
        await connection.execute("SELECT FROM slot WHERE batch_id = $1 FOR UPDATE", batch_id)
        await replica.handle(*contents(batch_id, 2))
        assert await evidence.unplaced(batch_id, "pending") == ["text-00000", "text-00001"]
        assert await evidence.announced(ExcessContentProvisionedV1) == []


async def test_content_kept_from_a_locked_slot_gets_it_from_the_sweep(
    replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2))
    async with connection.transaction():
        await connection.execute("SELECT FROM slot WHERE batch_id = $1 FOR UPDATE", batch_id)
        await replica.handle(*contents(batch_id, 2))

    await replica.sweep()

    assert await evidence.texts(batch_id) == ["text-00000", "text-00001"]
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 2
    assert await evidence.unplaced(batch_id, "pending") == []


async def test_only_the_slot_that_is_locked_is_passed_over(
    replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2))
    async with connection.transaction():
        await connection.execute(
            "SELECT FROM slot WHERE batch_id = $1 AND position = 0 FOR UPDATE", batch_id
        )
        await replica.handle(*contents(batch_id, 2))
        assert await evidence.texts(batch_id) == [None, "text-00000"]
        assert await evidence.unplaced(batch_id, "pending") == ["text-00001"]


async def test_pending_content_becomes_excess_once_the_locked_slot_went_to_another(
    replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1))
    async with connection.transaction():
        await connection.execute("SELECT FROM slot WHERE batch_id = $1 FOR UPDATE", batch_id)
        await replica.handle(content(batch_id, "early"))
        await replica.handle(content(batch_id, "later"))

    await replica.sweep()
    await replica.sweep()

    assert await evidence.texts(batch_id) == ["early"]
    assert await evidence.unplaced(batch_id, "excess") == ["later"]
    assert len(await evidence.announced(ExcessContentProvisionedV1)) == 1


async def test_a_content_that_another_places_meanwhile_is_not_called_excess(
    replica: Replica, replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    """It found no slot, waited for the counters, and by then had one through the other."""
    pause = Pause()
    await replica.handle(registration(batch_id, 2))
    first, second = await replicas("first", after=pause), await replicas("second")
    same = content(batch_id, "same")

    one = asyncio.create_task(first.handle(same, partition=1))
    await pause.inside.wait()
    two = asyncio.create_task(second.handle(content(batch_id, "other"), same, partition=2))
    await eventually(evidence.waiting_for_locks)
    pause.leave.set()
    await asyncio.gather(one, two)

    assert await evidence.texts(batch_id) == ["same", "other"]
    assert await evidence.unplaced(batch_id, "excess") == []
    assert await evidence.announced(ExcessContentProvisionedV1) == []
