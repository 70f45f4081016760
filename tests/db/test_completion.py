"""A batch is announced exactly once, by the transaction that takes its last slot."""

import asyncio
import uuid
from uuid import UUID

import orjson
import pytest

from rollcall.outbox.event import lane_of
from rollcall_events import (
    MAX_ESSAYS_PER_BATCH,
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    EssaySlotAssignedV1,
    ReadyEssay,
    deterministic_event_id,
)
from tests.db.conftest import OpenReplica
from tests.db.events import CORRELATION_ID, content, contents, essay_id, failure, registration
from tests.db.evidence import Evidence
from tests.db.pause import Pause
from tests.db.replica import LANES, Replica
from tests.eventually import eventually


async def test_two_last_fillers_at_the_same_moment_give_one_completion(
    replica: Replica, replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    """The second has its slot, and waits for the counters that the first has moved, when it commits."""
    pause = Pause()
    await replica.handle(registration(batch_id, 2))
    first, second = await replicas("first", after=pause), await replicas("second")

    one = asyncio.create_task(first.handle(content(batch_id, "one"), partition=1))
    await pause.inside.wait()
    two = asyncio.create_task(second.handle(content(batch_id, "two"), partition=2))
    await eventually(evidence.waiting_for_locks)
    pause.leave.set()
    await asyncio.gather(one, two)

    assert await evidence.counts(batch_id) == (2, 0, 0)
    (completed,) = await evidence.announced(BatchContentProvisioningCompletedV1)
    assert [essay.text_storage_id for essay in completed.essays_for_processing] == ["one", "two"]


async def test_last_fillers_of_many_batches_at_once_complete_each_batch_once(
    replica: Replica, replicas: OpenReplica, evidence: Evidence
) -> None:
    """Two replicas fill the two slots of each of forty batches, in opposite orders."""
    batches = [uuid.uuid4() for _ in range(40)]
    await replica.handle(*(registration(batch_id, 2) for batch_id in batches))
    left, right = await replicas("left"), await replicas("right")

    await asyncio.gather(
        left.handle(*(content(batch_id, "one") for batch_id in batches), partition=1),
        right.handle(*(content(batch_id, "two") for batch_id in batches[::-1]), partition=2),
    )
    await replica.sweep()

    completed = await evidence.announced(BatchContentProvisioningCompletedV1)
    assert sorted(item.batch_id for item in completed) == sorted(batches)
    assert all(item.provisioned_count == 2 for item in completed)


async def test_a_content_and_a_failure_as_last_fillers_at_once_give_one_completion(
    replica: Replica, replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2))
    left, right = await replicas("left"), await replicas("right")
    await asyncio.gather(
        left.handle(content(batch_id, "text"), partition=1),
        right.handle(failure(batch_id, "file"), partition=2),
    )
    await replica.sweep()
    (completed,) = await evidence.announced(BatchContentProvisioningCompletedV1)
    assert (completed.provisioned_count, completed.failed_count) == (1, 1)


@pytest.mark.parametrize("slots", [1, 2, 7])
async def test_a_batch_is_not_complete_before_its_last_slot(
    replica: Replica, evidence: Evidence, batch_id: UUID, slots: int
) -> None:
    await replica.handle(registration(batch_id, slots), *contents(batch_id, slots - 1))
    assert await evidence.announced(BatchContentProvisioningCompletedV1) == []
    await replica.handle(content(batch_id, "last"))
    assert len(await evidence.announced(BatchContentProvisioningCompletedV1)) == 1


async def test_a_batch_of_ten_thousand_slots_is_filled_and_announced_in_slot_order(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, MAX_ESSAYS_PER_BATCH))
    for first in range(0, MAX_ESSAYS_PER_BATCH, 1000):
        await replica.handle(*contents(batch_id, 1000, first))

    assert await evidence.counts(batch_id) == (MAX_ESSAYS_PER_BATCH, 0, 0)
    (completed,) = await evidence.announced(BatchContentProvisioningCompletedV1)
    assert completed.essays_for_processing == tuple(
        ReadyEssay(essay_id=essay_id(position), text_storage_id=f"text-{position:05d}")
        for position in range(MAX_ESSAYS_PER_BATCH)
    )
    assert len(await evidence.announced(EssaySlotAssignedV1)) == MAX_ESSAYS_PER_BATCH


async def test_a_completion_repeats_the_registration(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    registered = registration(batch_id, 2)
    await replica.handle(registered, *contents(batch_id, 2))

    (completed,) = await evidence.envelopes(BatchContentProvisioningCompletedV1)
    (ready,) = await evidence.envelopes(BatchEssaysReadyV1)

    essays = completed.data.essays_for_processing
    assert [essay.essay_id for essay in essays] == list(registered.essay_ids)
    assert completed.data.expected_count == registered.expected_essay_count
    assert ready.data == BatchEssaysReadyV1(
        batch_id=batch_id,
        ready_essays=essays,
        course_code=registered.course_code,
        essay_instructions=registered.essay_instructions,
        user_id=registered.user_id,
    )
    for event in (completed, ready):
        assert event.correlation_id == CORRELATION_ID
        assert event.event_id == deterministic_event_id(event.event_type, batch_id)


async def test_nothing_that_arrives_after_completion_announces_it_again(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1), content(batch_id, "text"))
    await replica.handle(
        registration(batch_id, 1),
        content(batch_id, "text"),
        content(batch_id, "late"),
        failure(batch_id, "late"),
    )
    await replica.sweep()
    assert len(await evidence.announced(BatchContentProvisioningCompletedV1)) == 1
    assert len(await evidence.announced(BatchEssaysReadyV1)) == 1


async def test_slot_events_stand_before_the_completion_in_one_chunk(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 3), *contents(batch_id, 3))
    assert await evidence.event_types(batch_id) == [
        *["EssaySlotAssignedV1"] * 3,
        "BatchContentProvisioningCompletedV1",
        "BatchEssaysReadyV1",
    ]


async def test_slot_events_of_a_slower_transaction_stand_before_the_completion(
    replica: Replica, replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    """Both fill; the one that commits last completes, and its segment comes last in the lane."""
    batches = [one for one in (uuid.uuid4() for _ in range(80)) if _lane(one) == _lane(batch_id)]
    await replica.handle(*(registration(batch, 6) for batch in batches))
    three = [await replicas(name) for name in "abc"]

    async def fill(one: Replica, number: int) -> None:
        for first in (number * 2, number * 2 + 1):
            chunk = [content(batch, f"text-{first}") for batch in batches]
            await one.handle(*chunk, partition=number + 1)

    await asyncio.gather(*(fill(one, number) for number, one in enumerate(three)))
    await replica.sweep()

    for batch in batches:
        types = await evidence.event_types(batch)
        assert types.index("BatchContentProvisioningCompletedV1") == 6


async def test_events_of_a_batch_stand_in_one_lane(replica: Replica, evidence: Evidence) -> None:
    batches = [uuid.uuid4() for _ in range(20)]
    for batch_id in batches:
        await replica.handle(registration(batch_id, 1), content(batch_id, "text"))
    lanes: dict[str, set[int]] = {}
    for lane, _, value in await evidence.published():
        lanes.setdefault(orjson.loads(value)["data"]["batch_id"], set()).add(lane)
    assert lanes == {str(batch_id): {_lane(batch_id)} for batch_id in batches}


def _lane(batch_id: UUID) -> int:
    return lane_of(str(batch_id).encode(), LANES)
