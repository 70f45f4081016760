"""Events of a batch that an operator has published once more."""

import asyncio
from typing import Any
from uuid import UUID

import orjson
import pytest

from essay_lifecycle_service.operations import BatchOperations
from essay_lifecycle_service.store import orders
from rollcall.errors import OperatorError
from rollcall.operations.runner import REPLAY_HEADER
from rollcall_events import BatchReadinessTimeoutV1, DeadlinePolicy
from tests.db.deadlines import Let, with_deadline
from tests.db.events import content, contents, failure, registration
from tests.db.evidence import Evidence
from tests.db.orders import BY_HAND, TRIED, audited, marked, tried_in_vain
from tests.db.replica import Replica
from tests.eventually import eventually


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
    tried = await tried_in_vain(connection, hand.replay(batch_id, TRIED))
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


async def test_contents_that_come_too_late_while_a_batch_is_replayed_do_not_stop_it(
    hand: BatchOperations,
    replica: Replica,
    connection: Any,
    evidence: Evidence,
    batch_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The order knows what it will publish and waits to write that down when another one commits."""
    monkeypatch.setattr(orders, "_PAGE", 2)
    excess = [f"excess-{number}" for number in range(5)]
    await replica.handle(registration(batch_id, 1), content(batch_id, "text"))
    await replica.handle(*(content(batch_id, text) for text in excess))
    async with connection.transaction():
        await connection.execute("LOCK TABLE operator_audit IN SHARE MODE")
        replaying = asyncio.create_task(hand.replay(batch_id, BY_HAND))
        await eventually(evidence.waiting_for_locks)
        await replica.handle(content(batch_id, "late"), content(batch_id, "excess-3a"))
    done = await replaying
    values = [
        orjson.loads(record.value or b"") for record in await marked(connection, REPLAY_HEADER)
    ]
    found = [
        value["data"]["text_storage_id"] for value in values if "Excess" in value["event_type"]
    ]
    assert found == excess
    (entry,) = await audited(connection)
    assert len(values) == done.events == entry.after["events"]
    again = await hand.replay(batch_id, BY_HAND)
    assert again.events == done.events + 2


async def test_a_purged_batch_cannot_be_replayed(
    hand: BatchOperations, replica: Replica, connection: Any, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1), *contents(batch_id, 1))
    await connection.execute("UPDATE batch SET purged_at = now()")
    with pytest.raises(OperatorError, match="was purged"):
        await hand.replay(batch_id, BY_HAND)


def _by_id(values: Any) -> dict[str, Any]:
    return {event["event_id"]: event for event in map(orjson.loads, values)}


def _without_time(event: dict[str, Any]) -> dict[str, Any]:
    """An event but for when it was published, and where its parts come in any order."""
    return {key: value for key, value in event.items() if key != "event_timestamp"}
