"""A purge beside the service and another purge: what is needed yet is left, nothing waits."""

import asyncio
import uuid
from typing import Any
from uuid import UUID

import pytest

from rollcall.outbox.event import lane_of
from rollcall_cluster.purge import purging
from rollcall_events import (
    ExcessContentProvisionedV1,
)
from tests.db.events import content, registration
from tests.db.evidence import Evidence
from tests.db.purges import RunPurge, grow_old, left, publish
from tests.db.replica import LANES, Replica
from tests.eventually import DEADLINE_SECONDS, eventually


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
        async with asyncio.timeout(DEADLINE_SECONDS):
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
    monkeypatch.setattr(purging, "_LOCK_TIMEOUT", "SET lock_timeout = '120s'")
    old = uuid.uuid4()
    await replica.handle(registration(old, 1), content(old, "text"))
    await publish(connection)
    await grow_old(connection)
    async with connection.transaction():
        await connection.execute("SELECT FROM completion FOR UPDATE")
        going = asyncio.create_task(purge())
        await eventually(evidence.waiting_for_locks)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await replica.handle(
                registration(batch_id, 1), content(batch_id, "text"), content(old, "late")
            )
    done = await going
    assert done.batches == 1
    assert await evidence.texts(batch_id) == ["text"]
    assert len(await evidence.announced(ExcessContentProvisionedV1)) == 1


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
