"""Orders about batches: what each does, what it leaves in the audit, and that a dry run leaves nothing."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from essay_lifecycle_service.operations import BatchOperations
from rollcall.errors import OperatorBusyError, OperatorError
from rollcall.operations import runner
from rollcall.operations.runner import CORRECTION_HEADER, REPLAY_HEADER
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchReadinessTimeoutV1,
    DeadlinePolicy,
    EssaySlotAssignedV1,
    ExcessContentProvisionedV1,
    ExcessReason,
)
from tests.db.conftest import OpenReplica
from tests.db.deadlines import CLOSE, COMPLETE_PARTIAL, KEEP_OPEN, Let, with_deadline
from tests.db.events import content, contents, failure, registration
from tests.db.evidence import Evidence
from tests.db.orders import BY_HAND, TRIED, audited, fingerprint, hand_on, marked
from tests.db.replica import Replica
from tests.db.test_deadline_races import _held
from tests.eventually import DEADLINE_SECONDS, eventually


@pytest.fixture
def hand(database: str, lanes: None) -> BatchOperations:
    """The operator's hand."""
    return hand_on(database)


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
    tried = await _tried(connection, hand.reconcile(batch_id, TRIED))
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
    tried = await _tried(connection, hand.end(batch_id, "completed", TRIED))
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
    await _tried(connection, hand.end(batch_id, "closed", TRIED))
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


async def test_a_slot_is_given_to_a_content_that_got_none(
    hand: BatchOperations, replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    """What held it becomes excess; both are announced, marked; the completion is not."""
    await replica.handle(registration(batch_id, 2), *contents(batch_id, 2))
    await replica.handle(content(batch_id, "better"))
    essay = (await evidence.slots(batch_id))[1]["essay_id"]
    tried = await _tried(connection, hand.reassign(batch_id, essay, "better", TRIED))
    done = await hand.reassign(batch_id, essay, "better", BY_HAND)
    assert (tried.after, tried.events) == (done.after, done.events)
    first, displaced = (f"text-{number:05d}" for number in range(2))
    assert await evidence.texts(batch_id) == [first, "better"]
    assert await evidence.unplaced(batch_id, "excess") == [displaced]
    assert await evidence.counts(batch_id) == (2, 0, 0)
    (entry,) = await audited(connection)
    assert (entry.action, entry.subject) == ("reassign", f"{batch_id}/{essay}")
    assert entry.before["slot"]["text_storage_id"] == displaced
    assert entry.after["slot"]["text_storage_id"] == "better"
    records = await marked(connection, CORRECTION_HEADER)
    assert [(r.topic, dict(r.headers)[CORRECTION_HEADER]) for r in records] == [
        ("els.essay.slot.assigned.v1", b"%d" % entry.id),
        ("els.excess.content.provisioned.v1", b"%d" % entry.id),
    ]
    assert len(await evidence.announced(BatchContentProvisioningCompletedV1)) == 1
    await replica.handle(content(batch_id, "better"), content(batch_id, displaced))
    assert await evidence.unplaced(batch_id, "excess") == [displaced]


async def test_a_slot_that_a_failure_or_a_deadline_took_is_given_to_a_late_content(
    hand: BatchOperations,
    replica: Replica,
    connection: Any,
    evidence: Evidence,
    batch_id: UUID,
    let_deadline_pass: Let,
) -> None:
    await replica.handle(with_deadline(batch_id, 3, COMPLETE_PARTIAL), failure(batch_id, "broken"))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    await replica.handle(content(batch_id, "mended"), content(batch_id, "late"))
    essays = [slot["essay_id"] for slot in await evidence.slots(batch_id)]
    await hand.reassign(batch_id, essays[0], "mended", BY_HAND)
    done = await hand.reassign(batch_id, essays[1], "late", BY_HAND)
    assert {"filled": 2, "failed": 0, "missing": 1}.items() <= done.after.items()
    assert await evidence.counts(batch_id) == (2, 0, 0)
    assert await evidence.unplaced(batch_id, "excess") == ["broken"]
    assert len(await marked(connection, CORRECTION_HEADER)) == 2


async def test_a_reassignment_that_cannot_be_announced_or_means_nothing_is_refused(
    hand: BatchOperations, replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2), content(batch_id, "text-00000"))
    essay = (await evidence.slots(batch_id))[0]["essay_id"]

    async def refused(match: str, essay_id: str = essay, text: str = "spare") -> None:
        with pytest.raises(OperatorError, match=match):
            await hand.reassign(batch_id, essay_id, text, BY_HAND)

    await refused("is open")
    await replica.handle(*contents(batch_id, 2), content(batch_id, "spare"))
    await refused("no essay", essay_id="none")
    await refused("without a slot", text="unheard-of")
    await refused("without a slot", text="text-00001")
    await hand.reassign(batch_id, essay, "spare", BY_HAND)
    await refused("spare|text-00000 was moved by hand before", text="text-00000")
    assert len(await audited(connection)) == 1


async def test_the_last_missing_slot_of_a_closed_batch_is_not_filled(
    hand: BatchOperations,
    replica: Replica,
    evidence: Evidence,
    batch_id: UUID,
    let_deadline_pass: Let,
) -> None:
    await replica.handle(with_deadline(batch_id, 1, CLOSE))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    await replica.handle(content(batch_id, "late"))
    (slot,) = await evidence.slots(batch_id)
    with pytest.raises(OperatorError, match="closed for this one missing essay"):
        await hand.reassign(batch_id, slot["essay_id"], "late", BY_HAND)


@pytest.mark.parametrize("policy", [None, *DeadlinePolicy])
async def test_all_events_of_a_batch_are_published_once_more_with_the_same_ids(
    hand: BatchOperations,
    replica: Replica,
    connection: Any,
    evidence: Evidence,
    batch_id: UUID,
    let_deadline_pass: Let,
    policy: DeadlinePolicy | None,
) -> None:
    """Whatever ended it; only the timeout of a batch that stayed open cannot be made anew."""
    opening = registration(batch_id, 4) if policy is None else with_deadline(batch_id, 4, policy)
    await replica.handle(opening, *contents(batch_id, 2), failure(batch_id, "broken"))
    if policy:
        await let_deadline_pass(batch_id)
        await replica.sweep()
    await replica.handle(content(batch_id, "last"), content(batch_id, "excess"))
    original = _by_id(value for _, _, value in await evidence.published())
    tried = await _tried(connection, hand.replay(batch_id, TRIED))
    done = await hand.replay(batch_id, BY_HAND)
    assert (tried.events, tried.left_out) == (done.events, done.left_out)
    records = await marked(connection, REPLAY_HEADER)
    again = _by_id(record.value or b"" for record in records)
    missing = {event["event_type"] for id_, event in original.items() if id_ not in again}
    assert missing == ({"BatchReadinessTimeoutV1"} if policy is DeadlinePolicy.KEEP_OPEN else set())
    assert bool(done.left_out) == bool(missing)
    for id_, event in again.items():
        assert _without_time(event) == _without_time(original[id_])
    assert len(records) == len(again) == done.events
    (entry,) = await audited(connection)
    assert (entry.action, entry.after["events"]) == ("replay-output", done.events)
    assert {dict(record.headers)[REPLAY_HEADER] for record in records} == {b"%d" % entry.id}


async def test_a_closed_batch_is_replayed_with_its_timeout(
    hand: BatchOperations, replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 3), content(batch_id, "text"))
    await hand.end(batch_id, "closed", BY_HAND)
    (original,) = await evidence.envelopes(BatchReadinessTimeoutV1)
    await hand.replay(batch_id, BY_HAND)
    again = (await evidence.envelopes(BatchReadinessTimeoutV1))[-1]
    assert (again.event_id, again.data) == (original.event_id, original.data)
    assert len(await marked(connection, REPLAY_HEADER)) == 2


async def test_a_purged_batch_cannot_be_replayed(
    hand: BatchOperations, replica: Replica, connection: Any, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1), *contents(batch_id, 1))
    await connection.execute("UPDATE batch SET purged_at = now()")
    with pytest.raises(OperatorError, match="was purged"):
        await hand.replay(batch_id, BY_HAND)


async def _tried(connection: Any, order: Any) -> Any:
    """Run a dry run; nothing may be different after it."""
    before = await fingerprint(connection)
    outcome = await order
    assert outcome.dry_run
    assert await fingerprint(connection) == before
    return outcome


def _by_id(values: Any) -> dict[str, Any]:
    return {event["event_id"]: event for event in map(orjson.loads, values)}


def _without_time(event: dict[str, Any]) -> dict[str, Any]:
    """An event but for when it was published, and where its parts come in any order."""
    return {key: value for key, value in event.items() if key != "event_timestamp"}
