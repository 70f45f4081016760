"""What fails outside of the data is tried again until it works, and nothing happens twice."""

import asyncio
from collections.abc import Callable, Sequence
from errno import ENOENT, ENOSPC
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from rollcall import Received, Transaction
from rollcall.errors import OwnershipLostError, PositionConflictError
from rollcall_events import EssaySlotAssignedV1
from tests.db.conftest import OpenReplica
from tests.db.cut_connection import answer_loser
from tests.db.events import content, contents, registration
from tests.db.evidence import Evidence
from tests.db.replica import Hook, open_replica


def failing(times: int, error: Callable[[str], Exception]) -> Hook:
    """A handler that fails so many times, then no more."""
    left = times

    async def handler(*_: object) -> None:
        nonlocal left
        if left > 0:
            left -= 1
            raise error("on purpose")

    return handler


async def end_own_backend(tx: Transaction, connection: Any) -> None:
    """Have another connection terminate the one under a transaction."""
    await connection.fetchval("SELECT pg_terminate_backend($1)", tx.connection.get_server_pid())


async def test_a_chunk_whose_backend_is_terminated_is_handled_again_once(
    replicas: OpenReplica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    attempts = 0

    async def terminate_twice(_: Sequence[Received[Any]], tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        if attempts <= 2:
            await end_own_backend(tx, connection)

    replica = await replicas(after=terminate_twice)
    await replica.handle(registration(batch_id, 3), *contents(batch_id, 2))

    assert attempts == 3
    assert await evidence.counts(batch_id) == (2, 0, 1)
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 2
    assert await evidence.positions() == {0: 3}
    assert await evidence.dead_letters() == []


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError,
        TimeoutError,
        OSError,
        asyncpg.InternalClientError,
        pytest.param(lambda _: FileNotFoundError(ENOENT, "no socket"), id="socket_not_there"),
        pytest.param(lambda _: OSError(ENOSPC, "disk full", "one.txt"), id="disk_full"),
    ],
)
async def test_a_failure_outside_of_the_data_blames_no_record(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID, error: Callable[[str], Exception]
) -> None:
    replica = await replicas(after=failing(3, error))
    await replica.handle(registration(batch_id, 1), content(batch_id, "text"))
    assert await evidence.counts(batch_id) == (1, 0, 0)
    assert await evidence.dead_letters() == []


async def test_a_commit_whose_answer_is_lost_is_not_repeated(
    database: str, evidence: Evidence, batch_id: UUID
) -> None:
    """The chunk is committed, its instance does not know: the position tells it."""
    async with answer_loser(database) as (relay, dsn), open_replica(dsn) as replica:
        await replica.handle(registration(batch_id, 3))
        chunk = await replica.chunk(*contents(batch_id, 2))
        relay.lose_answer = b"COMMIT\0"

        with pytest.raises(PositionConflictError):
            await replica.process(chunk)

    assert relay.lost == 1
    assert await evidence.counts(batch_id) == (2, 0, 1)
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 2
    assert await evidence.positions() == {0: 3}


async def test_an_answer_lost_before_the_commit_leads_to_one_effect(
    database: str, evidence: Evidence, batch_id: UUID
) -> None:
    async with answer_loser(database) as (relay, dsn), open_replica(dsn) as replica:
        await replica.handle(registration(batch_id, 3))
        relay.lose_answer = b"BEGIN\0"
        await replica.handle(*contents(batch_id, 2))

    assert relay.lost == 1
    assert await evidence.counts(batch_id) == (2, 0, 1)
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 2


async def test_a_chunk_is_given_up_when_its_partitions_are_gone_after_a_failure(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    replica = await replicas(after=failing(1, ConnectionResetError))
    replica.is_current = False
    with pytest.raises(OwnershipLostError):
        await replica.handle(registration(batch_id, 1))
    assert await evidence.batch(batch_id) is None
    assert await evidence.positions() == {0: 0}


async def test_a_follow_up_that_fails_does_not_fail_its_chunk(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    async def add_failing_job(_: Sequence[Received[Any]], tx: Transaction) -> None:
        async def job(_: Transaction) -> list[Any]:
            raise ConnectionResetError("on purpose")

        tx.after_commit(job)

    replica = await replicas(after=add_failing_job)
    await replica.handle(registration(batch_id, 1), content(batch_id, "text"))
    assert await evidence.counts(batch_id) == (1, 0, 0)
    assert replica.metrics.follow_up_failures_total._value.get() == 1


async def test_two_chunks_that_deadlock_both_take_effect_once(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
) -> None:
    """Each locks what the other wants next; the server ends one of them, which runs again."""
    both, both_locked = asyncio.Barrier(2), asyncio.Event()

    def locking(first: int, second: int) -> Hook:
        async def handler(_: Sequence[Received[Any]], tx: Transaction) -> None:
            lock = "SELECT pg_advisory_xact_lock($1)"
            await tx.connection.execute(lock, first)
            if not both_locked.is_set():
                await both.wait()
                both_locked.set()
            await tx.connection.execute(lock, second)

        return handler

    left = await replicas("left", before=locking(1, 2))
    right = await replicas("right", before=locking(2, 1))
    await asyncio.gather(
        left.handle(registration(batch_id, 2), partition=0),
        right.handle(content(batch_id, "text"), partition=1),
    )

    assert await evidence.counts(batch_id) == (1, 0, 1)
    assert await evidence.positions() == {0: 1, 1: 1}
    assert await evidence.dead_letters() == []
