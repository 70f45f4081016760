"""Content that arrives before its batch is registered waits for it, and is not lost."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from rollcall import Received, Transaction
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    EssaySlotAssignedV1,
    ExcessContentProvisionedV1,
)
from tests.db.conftest import OpenReplica
from tests.db.events import content, contents, failure, registration
from tests.db.evidence import Evidence
from tests.db.pause import Pause
from tests.db.replica import Replica


async def lose_follow_ups(_: Sequence[Received[Any]], tx: Transaction) -> None:
    """What a crash right after the commit does."""
    tx.follow_ups.clear()


async def test_content_before_registration_is_pending(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(content(batch_id, "early"))
    assert await evidence.unplaced(batch_id, "pending") == ["early"]
    assert await evidence.published() == []


async def test_registration_gives_slots_to_what_came_before_it(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(content(batch_id, "first"), failure(batch_id, "second"))
    await replica.handle(registration(batch_id, 3))
    assert await evidence.counts(batch_id) == (1, 1, 1)
    assert await evidence.unplaced(batch_id, "pending") == []
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 1


async def test_registration_after_its_content_in_the_same_chunk_counts_as_before_it(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(content(batch_id, "early"), registration(batch_id, 1))
    assert await evidence.texts(batch_id) == ["early"]


async def test_pending_contents_take_slots_in_order_of_arrival(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    for text in ["c", "a", "b"]:
        await replica.handle(content(batch_id, text))
    await replica.handle(registration(batch_id, 3))
    assert await evidence.texts(batch_id) == ["c", "a", "b"]


async def test_a_pending_content_that_arrives_again_takes_one_slot(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    early = content(batch_id, "early")
    await replica.handle(early)
    await replica.handle(early)
    await replica.handle(early, registration(batch_id, 2), early)
    await replica.handle(early)
    assert await evidence.counts(batch_id) == (1, 0, 1)
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 1


async def test_more_pending_contents_than_slots_complete_the_batch_and_leave_excess(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(*contents(batch_id, 5))
    await replica.handle(registration(batch_id, 3))
    assert await evidence.counts(batch_id) == (3, 0, 0)
    assert len(await evidence.announced(ExcessContentProvisionedV1)) == 2
    assert len(await evidence.announced(BatchContentProvisioningCompletedV1)) == 1


async def test_of_more_pending_contents_than_slots_the_oldest_get_them(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    for text in ["d", "c", "b", "a"]:
        await replica.handle(content(batch_id, text))
    await replica.handle(registration(batch_id, 2))
    assert await evidence.texts(batch_id) == ["d", "c"]
    assert await evidence.unplaced(batch_id, "excess") == ["a", "b"]


async def test_more_pending_contents_than_one_transaction_places_are_all_placed(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(*contents(batch_id, 2500))
    await replica.handle(registration(batch_id, 2500))
    assert await evidence.counts(batch_id) == (2500, 0, 0)
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 2500


@pytest.mark.parametrize("committed_last", ["content", "registration"])
async def test_registration_and_content_that_do_not_see_each_other_meet(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID, committed_last: str
) -> None:
    """Whichever commits last sees both."""
    pause = Pause()
    slow, quick = await replicas("slow", after=pause), await replicas("quick")
    events = {"content": content(batch_id, "text"), "registration": registration(batch_id, 1)}
    first = "registration" if committed_last == "content" else "content"

    last = asyncio.create_task(slow.handle(events[committed_last], partition=1))
    await pause.inside.wait()
    await quick.handle(events[first])
    pause.leave.set()
    await last

    assert await evidence.texts(batch_id) == ["text"]
    assert await evidence.unplaced(batch_id, "pending") == []


async def test_the_sweep_places_what_a_crash_after_the_commit_left_pending(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    crashing = await replicas("crashing", after=lose_follow_ups)
    await crashing.handle(content(batch_id, "early"))
    await crashing.handle(registration(batch_id, 1))
    assert await evidence.unplaced(batch_id, "pending") == ["early"]

    survivor = await replicas("survivor")
    await survivor.sweep()

    assert await evidence.texts(batch_id) == ["early"]
    assert await evidence.unplaced(batch_id, "pending") == []


async def test_the_sweep_leaves_content_of_unregistered_batches_waiting(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(content(batch_id, "early"))
    await replica.sweep()
    assert await evidence.unplaced(batch_id, "pending") == ["early"]


async def test_sweeps_of_several_replicas_at_once_place_each_content_once(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    crashing = await replicas("crashing", after=lose_follow_ups)
    await crashing.handle(*contents(batch_id, 50))
    await crashing.handle(registration(batch_id, 60))
    four = [await replicas(name) for name in "abcd"]

    await asyncio.gather(*(one.sweep() for one in four))

    assert await evidence.counts(batch_id) == (50, 0, 10)
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 50
