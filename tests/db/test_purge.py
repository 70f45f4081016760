"""Purging: what ended long ago and is published goes, in short transactions; its row stays."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from rollcall.outbox.event import lane_of
from rollcall_cluster.purge import purging
from rollcall_cluster.purge.progress import Silent
from rollcall_cluster.purge.purging import Purge, Purged
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    DeadlinePolicy,
    ExcessContentProvisionedV1,
    ExcessReason,
)
from tests.db.conftest import connected
from tests.db.events import content, contents, failure, registration
from tests.db.evidence import Evidence
from tests.db.replica import LANES, Replica
from tests.eventually import eventually

DAY = 86_400
RunPurge = Callable[..., Awaitable[Purged]]


@pytest_asyncio.fixture
async def lanes(connection: Any) -> None:
    """The lanes of a deployment that has been started once."""
    await connection.execute("INSERT INTO lane (lane) SELECT generate_series(0, $1 - 1)", LANES)


@pytest.fixture
def purge(database: str, lanes: None) -> RunPurge:
    """`await purge(limit=1)`: purge what ended more than a day ago, on a connection of its own."""

    async def run(limit: int | None = None, wait: float = 0, dry_run: bool = False) -> Purged:
        async with connected(database, "els") as own:
            return await Purge(own, Silent(), wait).run(DAY, limit, dry_run=dry_run)

    return run


async def grow_old(connection: Any) -> None:
    """Everything that has ended did so ten days ago."""
    await connection.execute(
        "UPDATE batch SET completed_at = completed_at - interval '10 days',"
        " closed_at = closed_at - interval '10 days'"
    )
    await connection.execute(
        "UPDATE unplaced SET first_seen_at = first_seen_at - interval '10 days'"
    )


async def publish(connection: Any) -> None:
    """What the relay leaves when everything is in Kafka."""
    await connection.execute("DELETE FROM segment")


async def left(connection: Any, batch_id: UUID) -> dict[str, int]:
    """Rows of a batch by table."""
    return {
        table: await connection.fetchval(
            f"SELECT count(*) FROM {table} WHERE batch_id = $1", batch_id
        )
        for table in ("batch", "slot", "unplaced", "completion")
    }


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


async def test_a_batch_is_left_until_its_completion_is_published(
    replica: Replica, connection: Any, batch_id: UUID, purge: RunPurge
) -> None:
    """Numbered is not published; known as published is."""
    await replica.handle(registration(batch_id, 1), content(batch_id, "text"))
    await grow_old(connection)
    lane = lane_of(str(batch_id).encode(), LANES)
    for change in (
        "UPDATE lane SET last_seq = 0 WHERE lane = $1",
        "UPDATE segment SET seq = 1 WHERE lane = $1",
    ):
        await connection.execute(change, lane)
        done = await purge()
        assert (done.batches, done.unpublished) == (0, 1)
        assert (await left(connection, batch_id))["slot"] == 1

    await connection.execute(
        "UPDATE lane SET last_seq = 1, published_seq = 1 WHERE lane = $1", lane
    )
    assert (await purge()).batches == 1


async def test_segments_that_come_later_hold_up_nothing(
    replica: Replica, connection: Any, batch_id: UUID, purge: RunPurge
) -> None:
    """A busy lane always has some: what counts is the newest one at the time of the look."""
    await replica.handle(registration(batch_id, 1), content(batch_id, "text"))
    await grow_old(connection)
    lane = lane_of(str(batch_id).encode(), LANES)
    insert = "INSERT INTO segment (lane, event_count, payload) VALUES ($1, 1, '')"

    waiting = asyncio.create_task(purge(wait=20))
    await eventually(lambda: _has_looked(connection))
    async with connection.transaction():
        await connection.execute("DELETE FROM segment WHERE lane = $1", lane)
        await connection.execute(insert, lane)
    done = await waiting

    assert (done.batches, done.unpublished) == (1, 0)


async def _has_looked(connection: Any) -> bool:
    """Whether the purge's session has asked for unpublished segments."""
    return bool(
        await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND query LIKE '%s.seq > l.published_seq%'"
        )
    )


async def test_a_batch_for_which_something_waits_is_left(
    replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID, purge: RunPurge
) -> None:
    """The sweep will make it excess and announce it; deleting it would lose it."""
    await replica.handle(registration(batch_id, 1), content(batch_id, "text"))
    await publish(connection)
    await grow_old(connection)
    await connection.execute(
        "INSERT INTO unplaced (batch_id, kind, identity, outcome, file_upload_id,"
        " original_file_name, raw_file_storage_id, file_size_bytes, correlation_id)"
        " VALUES ($1, 'content', 'waiting', 'pending', 'f', 'f.docx', 'raw', 1, gen_random_uuid())",
        batch_id,
    )
    done = await purge()
    assert (done.batches, done.busy) == (0, 1)
    await replica.sweep()
    assert await evidence.unplaced(batch_id, "excess") == ["waiting"]
    await publish(connection)
    assert (await purge()).batches == 1


async def test_a_locked_batch_is_left_and_nothing_is_waited_for(
    replica: Replica, connection: Any, purge: RunPurge
) -> None:
    batches = [uuid.uuid4() for _ in range(3)]
    for batch in batches:
        await replica.handle(registration(batch, 1), content(batch, "text"))
    await publish(connection)
    await grow_old(connection)
    async with connection.transaction():
        await connection.execute("SELECT FROM batch WHERE batch_id = $1 FOR UPDATE", batches[0])
        async with asyncio.timeout(5):
            done = await purge()
    assert (done.batches, done.busy) == (2, 1)


async def test_chunks_go_on_while_a_purge_is_in_the_middle(
    replica: Replica,
    connection: Any,
    evidence: Evidence,
    batch_id: UUID,
    purge: RunPurge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """New batches fill, and content of the batch that is going finds its place without waiting."""
    monkeypatch.setattr(purging, "_LOCK_TIMEOUT", "SET lock_timeout = '20s'")
    old = uuid.uuid4()
    await replica.handle(registration(old, 1), content(old, "text"))
    await publish(connection)
    await grow_old(connection)
    async with connection.transaction():
        await connection.execute("SELECT FROM completion FOR UPDATE")
        going = asyncio.create_task(purge())
        await eventually(evidence.waiting_for_locks)
        async with asyncio.timeout(15):
            await replica.handle(
                registration(batch_id, 1), content(batch_id, "text"), content(old, "late")
            )
    done = await going
    assert done.batches == 1
    assert await evidence.texts(batch_id) == ["text"]
    assert len(await evidence.announced(ExcessContentProvisionedV1)) == 1


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


async def test_two_purges_at_once_purge_each_batch_once(
    replica: Replica, connection: Any, purge: RunPurge
) -> None:
    for _ in range(20):
        batch = uuid.uuid4()
        await replica.handle(registration(batch, 1), content(batch, "text"))
    await publish(connection)
    await grow_old(connection)
    one, other = await asyncio.gather(purge(), purge())
    assert one.batches + other.batches == 20
    assert one.slots + other.slots == 20
