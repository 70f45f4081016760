"""Purging: what ended long ago and is published goes, in short transactions; its row stays."""

import uuid
from typing import Any
from uuid import UUID

import pytest

from rollcall_cluster.purge import purging
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    DeadlinePolicy,
    ExcessContentProvisionedV1,
    ExcessReason,
)
from tests.db.events import content, contents, failure, registration
from tests.db.evidence import Evidence
from tests.db.purges import RunPurge, grow_old, left, publish
from tests.db.replica import Replica


async def test_a_completed_batch_leaves_a_narrow_row(
    replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID, purge: RunPurge
) -> None:
    await replica.handle(registration(batch_id, 2), *contents(batch_id, 3), failure(batch_id, "f"))
    await publish(connection)
    await grow_old(connection)
    before = await evidence.batch(batch_id)

    done = await purge()

    assert (done.batches, done.slots, done.excess) == (1, 2, 2)
    assert (done.unpublished, done.busy) == (0, 0)
    assert await left(connection, batch_id) == {
        "batch": 1,
        "slot": 0,
        "unplaced": 0,
        "completion": 0,
    }
    after = dict(await evidence.batch(batch_id))
    assert after.pop("purged_at") is not None
    assert after == {name: value for name, value in before.items() if name != "purged_at"} | {
        "essay_instructions": "",
        "user_id": "",
    }


async def test_a_closed_batch_is_purged_and_open_or_young_ones_are_not(
    replica: Replica, connection: Any, purge: RunPurge
) -> None:
    closed, kept_open, young = [uuid.uuid4() for _ in range(3)]
    for batch, policy in ((closed, DeadlinePolicy.CLOSE), (kept_open, DeadlinePolicy.KEEP_OPEN)):
        await replica.handle(
            registration(batch, 2, readiness_deadline_seconds=1, deadline_policy=policy)
        )
    await connection.execute("UPDATE batch SET deadline_at = now() - interval '1 minute'")
    await replica.sweep()
    await grow_old(connection)
    await replica.handle(registration(young, 1), content(young, "text"))
    await publish(connection)

    done = await purge()

    assert (done.batches, done.slots) == (1, 2)
    assert (await left(connection, closed))["slot"] == 0
    assert (await left(connection, kept_open))["slot"] == 2
    assert (await left(connection, young))["slot"] == 1


async def test_what_comes_for_a_purged_batch_is_excess_of_a_closed_batch_once(
    replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID, purge: RunPurge
) -> None:
    """Content that held a slot, too: nobody can tell any more. And no batch is opened anew."""
    first = registration(batch_id, 1), content(batch_id, "placed")
    await replica.handle(*first)
    await publish(connection)
    await grow_old(connection)
    await purge()

    await replica.handle(*first, content(batch_id, "late"), registration(batch_id, 7))
    await replica.handle(*first, content(batch_id, "late"), failure(batch_id, "late"))
    await replica.sweep()

    excess = await evidence.announced(ExcessContentProvisionedV1)
    assert {event.text_storage_id: event.reason for event in excess} == {
        "placed": ExcessReason.BATCH_CLOSED,
        "late": ExcessReason.BATCH_CLOSED,
    }
    assert len(excess) == 2
    assert await evidence.announced(BatchContentProvisioningCompletedV1) == []
    assert await evidence.slots(batch_id) == []
    assert await evidence.unplaced(batch_id, "pending") == []
    (letter,) = await evidence.dead_letters()
    assert letter["error_type"] == "contradicting_registration"


async def test_late_excess_of_a_purged_batch_goes_when_it_is_old_itself(
    replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID, purge: RunPurge
) -> None:
    await replica.handle(registration(batch_id, 1), content(batch_id, "placed"))
    await publish(connection)
    await grow_old(connection)
    await purge()
    await replica.handle(content(batch_id, "late"))
    assert (await purge()).excess == 0
    await connection.execute("UPDATE batch SET purged_at = now() - interval '2 days'")
    await grow_old(connection)
    assert (await purge()).excess == 1
    assert await evidence.unplaced(batch_id, "excess") == []


async def test_a_purge_takes_as_many_transactions_as_it_needs(
    replica: Replica,
    connection: Any,
    purge: RunPurge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bounded by batches and by slots; a batch that is larger than the bound goes by itself."""
    monkeypatch.setattr(purging, "BATCHES", 3)
    monkeypatch.setattr(purging, "SLOTS", 10)
    sizes = [1, 1, 1, 1, 12, 4, 4, 4]
    for size in sizes:
        batch = uuid.uuid4()
        await replica.handle(registration(batch, size), *contents(batch, size))
    await publish(connection)
    await grow_old(connection)
    before = await connection.fetchval("SELECT pg_current_xact_id()::text::bigint")
    done = await purge()
    after = await connection.fetchval("SELECT pg_current_xact_id()::text::bigint")
    assert (done.batches, done.slots) == (len(sizes), sum(sizes))
    assert after - before - 1 >= 3


async def test_a_limit_is_kept_and_the_oldest_go_first(
    replica: Replica, connection: Any, purge: RunPurge
) -> None:
    batches = [uuid.uuid4() for _ in range(5)]
    for batch in batches:
        await replica.handle(registration(batch, 1), content(batch, "text"))
    await publish(connection)
    await grow_old(connection)
    assert (await purge(limit=2)).batches == 2
    assert [(await left(connection, batch))["slot"] for batch in batches] == [0, 0, 1, 1, 1]
    assert (await purge()).batches == 3
    assert (await purge()).batches == 0


async def test_a_dry_run_counts_and_changes_nothing(
    replica: Replica, connection: Any, batch_id: UUID, purge: RunPurge
) -> None:
    await replica.handle(registration(batch_id, 2), *contents(batch_id, 2))
    await publish(connection)
    await grow_old(connection)
    done = await purge(dry_run=True)
    assert (done.batches, done.slots) == (1, 2)
    assert (await left(connection, batch_id))["slot"] == 2
    assert (await purge()).batches == 1
