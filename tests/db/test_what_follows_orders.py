"""An order that has committed is told as done, whatever becomes of what follows it."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from essay_lifecycle_service.domain.deadline import State
from essay_lifecycle_service.operations import BatchOperations
from rollcall import Event, Transaction
from rollcall.consumer.transaction import Job
from rollcall.errors import OutcomeUnknownError
from rollcall.operations import runner, transactions
from rollcall.operations.runner import OrderWork
from tests.db.cut_connection import answer_loser
from tests.db.events import content, registration
from tests.db.evidence import Evidence
from tests.db.orders import BY_HAND, audited, hand_on, order_runner
from tests.db.replica import Replica


async def test_an_order_whose_follow_up_fails_is_told_as_done(
    database: str, lanes: None, connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_TRY_SECONDS", 0.2)
    given_up: list[tuple[Job, str]] = []
    orders = order_runner(database, lambda job, error: given_up.append((job, str(error))))

    async def failing(_: Transaction) -> list[Event]:
        raise asyncpg.DeadlockDetectedError("on purpose")

    async def work(under_way: OrderWork) -> str:
        await under_way.write_down("complete", "batch", {}, {})
        under_way.tx.after_commit(failing)
        under_way.tx.after_commit(following)
        return "done"

    async def following(tx: Transaction) -> list[Event]:
        await orders.audit.write(tx.connection, BY_HAND, "follow", "batch", {}, {})
        return []

    assert await orders.run(BY_HAND, work) == "done"
    assert given_up == [(failing, "on purpose")]
    assert [entry.action for entry in await audited(connection)] == ["complete", "follow"]


@pytest.mark.parametrize("state", ["completed", "closed"])
async def test_what_an_order_could_not_place_after_its_commit_is_left_to_the_sweep(
    hand: BatchOperations,
    replica: Replica,
    connection: Any,
    evidence: Evidence,
    batch_id: UUID,
    state: State,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transactions, "_LOCK_TIMEOUT", "SET LOCAL lock_timeout = '100ms'")
    await replica.handle(registration(batch_id, 1))
    async with connection.transaction():
        await connection.execute("SELECT FROM slot FOR UPDATE")
        await replica.handle(content(batch_id, "waiting"))
    async with connection.transaction():
        await connection.execute("LOCK TABLE unplaced IN SHARE MODE")
        done = await hand.end(batch_id, state, BY_HAND)
    assert (done.after["state"], done.after["pending"]) == (state, 1)
    await replica.sweep()
    assert await evidence.unplaced(batch_id, "excess") == ["waiting"]


async def test_an_order_whose_commit_is_not_answered_does_not_say_that_nothing_was_changed(
    database: str, lanes: None, replica: Replica, connection: Any, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 1))
    async with answer_loser(database) as (relay, dsn):
        relay.lose_answer = b"COMMIT\0"
        with pytest.raises(OutcomeUnknownError, match="whether it was carried out is not known"):
            await hand_on(dsn).end(batch_id, "completed", BY_HAND)
    assert relay.lost == 1
    assert [entry.action for entry in await audited(connection)] == ["complete"]
