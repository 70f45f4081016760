"""Orders that end batches or place what waits: what each leaves in the audit, and that a dry run leaves nothing."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from essay_lifecycle_service.operations import BatchOperations
from rollcall.errors import OperatorBusyError, OperatorError
from rollcall.operations import runner
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchReadinessTimeoutV1,
    EssaySlotAssignedV1,
    ExcessContentProvisionedV1,
    ExcessReason,
)
from tests.db.conftest import OpenReplica
from tests.db.deadlines import KEEP_OPEN, Let, with_deadline
from tests.db.events import content, registration
from tests.db.evidence import Evidence
from tests.db.orders import BY_HAND, TRIED, audited, fingerprint, hand_on, tried_in_vain
from tests.db.replica import Replica
from tests.db.test_deadline_races import _held
from tests.eventually import DEADLINE_SECONDS, eventually


async def test_what_waits_is_listed_with_its_age(
    hand: BatchOperations, replica: Replica, connection: Any, batch_id: UUID
) -> None:
    await replica.handle(content(batch_id, "b"), content(uuid4(), "x"))
    await connection.execute(
        "UPDATE unplaced SET first_seen_at = now() - interval '90 s' WHERE identity = 'b'"
    )
    first, second = await hand.waiting_batches(10)
    assert (first.batch_id, first.state, first.pending) == (batch_id, None, 1)
    assert 90 <= first.oldest_seconds < 90 + DEADLINE_SECONDS
    assert second.oldest_seconds < first.oldest_seconds
    (claim,) = await hand.waiting_claims(batch_id, 10)
    assert (claim.kind, claim.identity) == ("content", "b")
    assert claim.age_seconds >= 90


async def test_what_waits_for_a_registered_batch_is_placed(
    hand: BatchOperations, replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2))
    async with connection.transaction():
        await connection.execute("SELECT FROM slot FOR UPDATE")
        await replica.handle(content(batch_id, "waiting"))
    tried = await tried_in_vain(connection, hand.reconcile(batch_id, TRIED))
    done = await hand.reconcile(batch_id, BY_HAND)
    assert (done.before["pending"], done.after["pending"], done.after["filled"]) == (1, 0, 1)
    assert (tried.before, tried.after) == (done.before, done.after)
    assert await evidence.texts(batch_id) == ["waiting", None]
    (entry,) = await audited(connection)
    assert (entry.action, entry.subject, entry.operator) == ("reconcile", str(batch_id), "ops")
    assert (entry.before, entry.after) == (done.before, done.after)
    with pytest.raises(OperatorError, match="not registered"):
        await hand.reconcile(uuid4(), BY_HAND)


async def test_an_open_batch_is_completed_with_what_is_there(
    hand: BatchOperations, replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 3), content(batch_id, "text"))
    tried = await tried_in_vain(connection, hand.end(batch_id, "completed", TRIED))
    done = await hand.end(batch_id, "completed", BY_HAND)
    assert tried.after == done.after
    assert (done.after["state"], done.after["missing"], done.after["open"]) == ("completed", 2, 0)
    (event,) = await evidence.announced(BatchContentProvisioningCompletedV1)
    assert (event.provisioned_count, event.missing_count) == (1, 2)
    assert len(await evidence.announced(BatchEssaysReadyV1)) == 1
    assert await evidence.announced(BatchReadinessTimeoutV1) == []
    (entry,) = await audited(connection)
    assert (entry.action, entry.reason) == ("complete", "term is over")
    assert (entry.before["state"], entry.after["state"]) == ("open", "completed")
    with pytest.raises(OperatorError, match="is completed already"):
        await hand.end(batch_id, "closed", BY_HAND)
    await replica.handle(content(batch_id, "late"))
    (excess,) = await evidence.announced(ExcessContentProvisionedV1)
    assert excess.reason is ExcessReason.BATCH_CLOSED


async def test_an_open_batch_is_closed_and_that_is_announced_as_a_timeout(
    hand: BatchOperations, replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 3), content(batch_id, "text"))
    await tried_in_vain(connection, hand.end(batch_id, "closed", TRIED))
    done = await hand.end(batch_id, "closed", BY_HAND)
    assert (done.after["state"], done.after["missing"]) == ("closed", 2)
    (event,) = await evidence.announced(BatchReadinessTimeoutV1)
    assert (event.policy, event.open_count, event.provisioned_count) == ("close", 2, 1)
    assert len(event.missing_essay_ids) == 2
    assert await evidence.announced(BatchContentProvisioningCompletedV1) == []
    assert [entry.action for entry in await audited(connection)] == ["close"]


async def test_a_batch_whose_timeout_was_announced_is_closed_without_another(
    hand: BatchOperations,
    replica: Replica,
    evidence: Evidence,
    batch_id: UUID,
    let_deadline_pass: Let,
) -> None:
    await replica.handle(with_deadline(batch_id, 3, KEEP_OPEN))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    await hand.end(batch_id, "closed", BY_HAND)
    (event,) = await evidence.announced(BatchReadinessTimeoutV1)
    assert event.policy == "keep_open"


async def test_what_waits_when_a_batch_is_ended_by_hand_is_excess(
    hand: BatchOperations, replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1))
    async with connection.transaction():
        await connection.execute("SELECT FROM slot FOR UPDATE")
        await replica.handle(content(batch_id, "waiting"))
    await hand.end(batch_id, "completed", BY_HAND)
    assert await evidence.unplaced(batch_id, "excess") == ["waiting"]


@pytest.mark.parametrize("slots", [1, 2])
async def test_the_last_filler_and_the_hand_complete_a_batch_once(
    hand: BatchOperations,
    replica: Replica,
    replicas: OpenReplica,
    connection: Any,
    evidence: Evidence,
    batch_id: UUID,
    slots: int,
) -> None:
    """The filler holds a slot and the batch's row: the order waits for it, then takes what is left."""
    inside, leave = asyncio.Event(), asyncio.Event()
    await replica.handle(registration(batch_id, slots))
    slow = await replicas("slow", after=_held(inside, leave))
    filler = asyncio.create_task(slow.handle(content(batch_id, "text"), partition=1))
    await inside.wait()
    ending = asyncio.create_task(hand.end(batch_id, "completed", BY_HAND))
    await eventually(evidence.waiting_for_locks)
    leave.set()
    await filler
    outcome = (await asyncio.gather(ending, return_exceptions=True))[0]
    assert isinstance(outcome, OperatorError) == (slots == 1)
    (event,) = await evidence.announced(BatchContentProvisioningCompletedV1)
    assert (event.provisioned_count, event.missing_count) == (1, slots - 1)
    assert len(await audited(connection)) == slots - 1


async def test_a_batch_whose_slot_is_being_taken_is_tried_again_and_left_alone_after_a_while(
    hand: BatchOperations,
    replica: Replica,
    connection: Any,
    batch_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "_TRY_SECONDS", 0.2)
    await replica.handle(registration(batch_id, 2))
    before = await fingerprint(connection)
    async with connection.transaction():
        await connection.execute("SELECT FROM slot WHERE position = 1 FOR UPDATE")
        with pytest.raises(OperatorBusyError, match="about to be filled"):
            await hand.end(batch_id, "completed", BY_HAND)
    assert await fingerprint(connection) == before


async def test_many_hands_and_fillers_complete_each_batch_once(
    database: str, lanes: None, replicas: OpenReplica, evidence: Evidence
) -> None:
    batches = [uuid4() for _ in range(6)]
    three = [await replicas(name, connections=4) for name in "abc"]
    await three[0].handle(*(registration(batch, 4) for batch in batches), partition=99)

    async def fill(one: Replica, number: int) -> None:
        for step in range(2):
            chunk = [content(batch, f"text-{number}-{step}") for batch in batches]
            await one.handle(*chunk, partition=number)

    async def end(own: BatchOperations) -> None:
        for batch in batches:
            try:
                await own.end(batch, "completed", BY_HAND)
            except OperatorError as error:
                assert "already" in str(error)  # noqa: PT017 - a race that the fillers won

    hands = [hand_on(database) for _ in range(2)]
    await asyncio.gather(*(fill(one, n) for n, one in enumerate(three)), *map(end, hands))
    await three[0].sweep()
    for batch in batches:
        (event,) = await evidence.announced(BatchContentProvisioningCompletedV1, batch)
        filled, _, open_slots = await evidence.counts(batch)
        assert (event.provisioned_count, open_slots) == (filled, 0)
        assert filled + len(await evidence.unplaced(batch, "excess")) == 6
        assert len(await evidence.announced(EssaySlotAssignedV1, batch)) == filled
