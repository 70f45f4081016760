"""A chunk commits only if every position is where its instance believes: the fence against zombies."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from rollcall.consumer.chunk import Chunk, Span
from rollcall.consumer.records import Partition
from rollcall.errors import PositionConflictError
from rollcall_events import EssaySlotAssignedV1
from tests.db.conftest import OpenReplica
from tests.db.events import content, contents, registration
from tests.db.evidence import Evidence
from tests.db.pause import Pause
from tests.db.replica import Replica


async def test_position_and_effect_of_a_chunk_commit_together(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 3), *contents(batch_id, 2))
    assert await evidence.positions() == {0: 3}
    assert await evidence.counts(batch_id) == (2, 0, 1)


async def test_a_chunk_that_was_handled_by_the_new_owner_cannot_be_committed_by_the_old_one(
    replica: Replica, replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 3))
    zombie = await replicas("zombie")
    stale = await zombie.chunk(registration(batch_id, 3), content(batch_id, "stale"))

    with pytest.raises(PositionConflictError, match="in-0 expected 0"):
        await zombie.process(stale)

    assert await evidence.counts(batch_id) == (0, 0, 3)
    assert await evidence.published() == []
    assert await evidence.positions() == {0: 1}


async def test_an_instance_ahead_of_the_position_cannot_commit(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    """Committing would leave a gap of records that nobody handles."""
    await replica.handle(registration(batch_id, 3))
    replica.next_offset[0] = 7
    with pytest.raises(PositionConflictError):
        await replica.handle(content(batch_id, "text"))
    assert await evidence.positions() == {0: 1}
    assert await evidence.counts(batch_id) == (0, 0, 3)


async def test_a_conflict_on_one_partition_rolls_back_the_whole_chunk(
    replica: Replica, replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 3), partition=0)
    owner = await replicas("owner")
    await owner.handle(content(batch_id, "owner"), partition=1)
    kept = await replica.chunk(content(batch_id, "kept"), partition=0)
    lost = await replica.chunk(content(batch_id, "lost"), partition=1)
    both = Chunk([*kept.items, *lost.items], {**kept.spans, **lost.spans}, generation=1)

    with pytest.raises(PositionConflictError, match="in-1 expected 0"):
        await replica.process(both)

    assert await evidence.positions() == {0: 1, 1: 1}
    assert await evidence.texts(batch_id) == ["owner", None, None]


async def test_of_two_instances_with_the_same_chunk_at_once_one_commits(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    """The loser waits for the row, sees it moved, and leaves nothing."""
    four = [await replicas(name) for name in "abcd"]
    records = [registration(batch_id, 3), *contents(batch_id, 2)]

    outcomes = await asyncio.gather(*(one.handle(*records) for one in four), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "NoneType",
        *["PositionConflictError"] * 3,
    ]
    assert await evidence.counts(batch_id) == (2, 0, 1)
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 2
    assert await evidence.positions() == {0: 3}


async def test_a_zombie_that_stalled_inside_its_transaction_keeps_nothing_it_did(
    replica: Replica, replicas: OpenReplica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    """The server ended its stalled session, the new owner went on, the zombie wakes up."""
    pause = Pause()
    await replica.handle(registration(batch_id, 3), partition=9)
    zombie, owner = await replicas("zombie", after=pause), await replicas("owner")
    same = content(batch_id, "text")
    stalled = asyncio.create_task(zombie.handle(same))
    await pause.inside.wait()
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE '%:zombie:%'"
    )
    await owner.handle(same)
    pause.leave.set()

    with pytest.raises(PositionConflictError):
        await stalled

    assert await evidence.counts(batch_id) == (1, 0, 2)
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 1


async def test_a_partition_that_moved_without_records_moves_its_position(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    """Transaction markers and aborted records take offsets, too."""
    await replica.handle(registration(batch_id, 1))
    await replica.process(Chunk([], {Partition("in", 0): Span(1, 5)}, generation=1))
    assert await evidence.positions() == {0: 5}


async def test_positions_of_two_consumer_groups_are_apart(
    replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1))
    await connection.execute(
        "INSERT INTO position (consumer_group, topic, partition, next_offset)"
        " VALUES ('another', 'in', 1, 40)"
    )
    await replica.handle(content(batch_id, "text"))
    assert await evidence.positions() == {0: 2, 1: 40}
