"""Deadlines that pass while others fill, complete or time out the same batch."""

import asyncio
import uuid
from typing import Any
from uuid import UUID

import pytest

from rollcall_events import (
    BatchReadinessTimeoutV1,
    DeadlinePolicy,
    EssaySlotAssignedV1,
    ExcessContentProvisionedV1,
    ExcessReason,
)
from tests.db.conftest import OpenReplica
from tests.db.deadlines import COMPLETE_PARTIAL, GIVES_UP, KEEP_OPEN, Let, with_deadline
from tests.db.events import content
from tests.db.evidence import Evidence
from tests.db.replica import Replica
from tests.eventually import DEADLINE_SECONDS, eventually


@pytest.mark.parametrize("policy", DeadlinePolicy)
async def test_a_batch_whose_slot_is_being_taken_is_left_for_the_next_sweep(
    replica: Replica,
    replicas: OpenReplica,
    evidence: Evidence,
    batch_id: UUID,
    policy: DeadlinePolicy,
    let_deadline_pass: Let,
) -> None:
    """The taker holds the slot and the batch's row until it commits; the sweep waits for neither."""
    inside, leave = asyncio.Event(), asyncio.Event()
    await replica.handle(with_deadline(batch_id, 3, policy))
    await let_deadline_pass(batch_id)
    slow = await replicas("slow", after=_held(inside, leave))

    taker = asyncio.create_task(slow.handle(content(batch_id, "text"), partition=1))
    await inside.wait()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await replica.sweep()
        assert await evidence.announced(BatchReadinessTimeoutV1) == []
    finally:
        leave.set()
        await taker
    await replica.sweep()

    (event,) = await evidence.announced(BatchReadinessTimeoutV1)
    assert (event.provisioned_count, event.open_count) == (1, 2)
    assert await evidence.texts(batch_id) == ["text", None, None]


@pytest.mark.parametrize("policy", GIVES_UP)
async def test_a_slot_locked_before_its_taker_counts_keeps_the_batch_as_it_is(
    replica: Replica,
    connection: Any,
    evidence: Evidence,
    batch_id: UUID,
    policy: DeadlinePolicy,
    let_deadline_pass: Let,
) -> None:
    """All open slots are given up, or none: a batch does not end with a slot still open."""
    await replica.handle(with_deadline(batch_id, 3, policy))
    await let_deadline_pass(batch_id)
    async with connection.transaction():
        await connection.execute(
            "SELECT FROM slot WHERE batch_id = $1 AND position = 1 FOR UPDATE", batch_id
        )
        await replica.sweep()
        assert await evidence.counts(batch_id) == (0, 0, 3)
        assert await evidence.announced(BatchReadinessTimeoutV1) == []


async def test_the_last_filler_and_the_deadline_complete_a_batch_once(
    replica: Replica,
    replicas: OpenReplica,
    evidence: Evidence,
    batch_id: UUID,
    let_deadline_pass: Let,
) -> None:
    """The deadline passes while the last slot is being taken: the batch is full, not partial."""
    inside, leave = asyncio.Event(), asyncio.Event()
    await replica.handle(with_deadline(batch_id, 1, COMPLETE_PARTIAL))
    await let_deadline_pass(batch_id)
    slow = await replicas("slow", after=_held(inside, leave))

    filler = asyncio.create_task(slow.handle(content(batch_id, "text"), partition=1))
    await inside.wait()
    await replica.sweep()
    leave.set()
    await filler
    await replica.sweep()

    assert await evidence.event_types(batch_id) == [
        "EssaySlotAssignedV1",
        "BatchContentProvisioningCompletedV1",
        "BatchEssaysReadyV1",
    ]


@pytest.mark.parametrize("policy", GIVES_UP)
async def test_content_that_meets_a_batch_while_it_ends_is_excess_afterwards(
    replica: Replica,
    replicas: OpenReplica,
    connection: Any,
    evidence: Evidence,
    batch_id: UUID,
    policy: DeadlinePolicy,
    let_deadline_pass: Let,
) -> None:
    """It sees slots that are open but locked, hence waits; the end of the batch is not visible yet."""
    await replica.handle(with_deadline(batch_id, 2, policy))
    await let_deadline_pass(batch_id)
    ending = await replicas("ending")
    async with connection.transaction():
        await connection.execute("LOCK TABLE segment IN EXCLUSIVE MODE")
        sweep = asyncio.create_task(ending.sweep())
        await eventually(evidence.waiting_for_locks)  # to write its events, all else is done
        await replica.handle(content(batch_id, "late"))
        assert await evidence.unplaced(batch_id, "pending") == ["late"]
        assert await evidence.announced(ExcessContentProvisionedV1) == []
    await sweep
    await replica.handle(content(batch_id, "late"))

    (event,) = await evidence.announced(ExcessContentProvisionedV1)
    assert event.reason is ExcessReason.BATCH_CLOSED
    assert await evidence.announced(EssaySlotAssignedV1) == []
    assert len(await evidence.announced(BatchReadinessTimeoutV1, batch_id)) == 1


@pytest.mark.parametrize("policy", GIVES_UP)
async def test_content_that_waits_when_its_batch_ends_becomes_excess_of_a_closed_batch(
    replica: Replica,
    connection: Any,
    evidence: Evidence,
    batch_id: UUID,
    policy: DeadlinePolicy,
    let_deadline_pass: Let,
) -> None:
    await replica.handle(with_deadline(batch_id, 1, policy))
    async with connection.transaction():
        await connection.execute("SELECT FROM slot WHERE batch_id = $1 FOR UPDATE", batch_id)
        await replica.handle(content(batch_id, "waiting"))
    assert await evidence.unplaced(batch_id, "pending") == ["waiting"]
    await connection.execute(  # past what the look for pending content of the next sweep takes back
        "UPDATE batch SET deadline_at = now() - interval '1 second' WHERE batch_id = $1", batch_id
    )
    async with connection.transaction():
        await connection.execute("SELECT FROM unplaced WHERE batch_id = $1 FOR UPDATE", batch_id)
        await replica.sweep()
    assert (await evidence.batch(batch_id))["missing_count"] == 1

    await replica.sweep()

    (event,) = await evidence.announced(ExcessContentProvisionedV1)
    assert event.reason is ExcessReason.BATCH_CLOSED
    assert await evidence.announced(EssaySlotAssignedV1) == []
    assert await evidence.unplaced(batch_id, "pending") == []


@pytest.mark.parametrize("policy", DeadlinePolicy)
async def test_sweeps_of_several_replicas_at_once_time_a_batch_out_once(
    replicas: OpenReplica, evidence: Evidence, policy: DeadlinePolicy, let_deadline_pass: Let
) -> None:
    four = [await replicas(name) for name in "abcd"]
    batches = [uuid.uuid4() for _ in range(20)]
    await four[0].handle(*(with_deadline(batch, 2, policy) for batch in batches))
    for batch in batches:
        await let_deadline_pass(batch)

    await asyncio.gather(*(one.sweep() for one in four))

    timeouts = [event.batch_id for event in await evidence.announced(BatchReadinessTimeoutV1)]
    assert sorted(timeouts) == sorted(batches)


@pytest.mark.parametrize("policy", DeadlinePolicy)
async def test_fillers_and_sweeps_at_once_put_each_content_in_one_place(
    replicas: OpenReplica, evidence: Evidence, policy: DeadlinePolicy, let_deadline_pass: Let
) -> None:
    """Whatever comes first: a slot before the end or excess after it, and every event once."""
    three = [await replicas(name, connections=4) for name in "abc"]
    batches = [uuid.uuid4() for _ in range(8)]
    await three[0].handle(*(with_deadline(batch, 12, policy) for batch in batches), partition=99)

    async def fill(one: Replica, number: int) -> None:
        for step in range(5):
            chunk = [content(batch, f"text-{number}-{step}") for batch in batches]
            await one.handle(*chunk, partition=number)

    async def time_out() -> None:
        for batch in batches:
            await let_deadline_pass(batch)
            await three[0].sweep()

    await asyncio.gather(*(fill(one, number) for number, one in enumerate(three)), time_out())
    await three[0].sweep()

    for batch in batches:
        filled, _, open_slots = await evidence.counts(batch)
        excess = await evidence.unplaced(batch, "excess")
        assert filled + len(excess) == 15
        assert await evidence.unplaced(batch, "pending") == []
        assert len(await evidence.announced(EssaySlotAssignedV1, batch)) == filled
        announced = await evidence.announced(ExcessContentProvisionedV1, batch)
        assert sorted(event.text_storage_id for event in announced) == excess
        types = await evidence.event_types(batch)
        completions = types.count("BatchContentProvisioningCompletedV1")
        assert completions == (filled == 12 or policy is COMPLETE_PARTIAL)
        if completions and policy is not KEEP_OPEN:
            last_slot = max(
                (n for n, t in enumerate(types) if t == "EssaySlotAssignedV1"), default=-1
            )
            assert types.index("BatchContentProvisioningCompletedV1") > last_slot
        assert open_slots == 0


def _held(inside: asyncio.Event, leave: asyncio.Event) -> Any:
    """Keeps a chunk's transaction open after its handlers."""

    async def stay_open(*_: object) -> None:
        inside.set()
        await leave.wait()

    return stay_open
