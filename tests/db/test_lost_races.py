"""A chunk whose contents others place at the same time: it may lose again and again, and nothing else happens."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from rollcall import Received, Transaction
from rollcall.backoff import Backoff
from rollcall.consumer import processor
from rollcall_events import EssaySlotAssignedV1
from tests.db.conftest import OpenReplica
from tests.db.connected import connected
from tests.db.events import content, registration
from tests.db.evidence import Evidence
from tests.db.replica import Replica
from tests.eventually import eventually

_FILL = (
    "UPDATE slot SET state = 'filled', text_storage_id = $3 WHERE batch_id = $1 AND position = $2"
)
_BLOCKING = (
    "SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


class Winners:
    """Chunks that have placed their content and do not commit yet, by the process that serves each."""

    def __init__(self) -> None:
        self.held: dict[int, asyncio.Event] = {}

    async def __call__(self, _: Sequence[Received[Any]], tx: Transaction) -> None:
        """Hold a transaction open after its handlers."""
        leave = self.held[tx.connection.get_server_pid()] = asyncio.Event()
        await leave.wait()


@pytest.mark.parametrize("most", [20, 1], ids=["whole", "in_parts"])
async def test_a_chunk_that_loses_each_of_its_contents_to_another_blames_none(
    replica: Replica,
    replicas: OpenReplica,
    connection: Any,
    evidence: Evidence,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
) -> None:
    """Each lost race makes a content more known, so there are no more of them than contents.

    Beyond the limit of races the chunk is split; a content that stands alone has lost but once.
    """
    monkeypatch.setattr(processor, "_MOST_RACES", most)
    batches = sorted(uuid.uuid4() for _ in range(4))
    await replica.handle(*(registration(batch_id, 2) for batch_id in batches))
    winners = Winners()
    others = await replicas("others", connections=len(batches), after=winners)
    placing = [
        asyncio.create_task(others.handle(content(batch_id, "same"), partition=number))
        for number, batch_id in enumerate(batches, 1)
    ]
    await eventually(lambda: len(winners.held) == len(batches))

    losing = asyncio.create_task(replica.handle(*(content(b, "same") for b in batches)))
    for _ in batches:
        pid = await eventually(lambda: connection.fetchval(_BLOCKING))
        winners.held.pop(pid).set()
        await eventually(lambda pid=pid: _is_free(connection, pid))
    await asyncio.gather(losing, *placing)

    assert replica.metrics.chunk_failures_total.labels("race")._value.get() == len(batches)
    await _placed_once(evidence, batches)


async def test_the_same_contents_in_other_orders_deadlock_and_take_effect_once(
    replicas: OpenReplica, database: str, evidence: Evidence, batch_id: UUID
) -> None:
    """Each chunk has placed what the other waits for; a third content holds both until then."""
    first, second = await replicas("first"), await replicas("second")
    await first.handle(registration(batch_id, 8))
    async with connected(database, "els") as holder:
        held = holder.transaction()
        await held.start()
        await holder.execute(_FILL, batch_id, 6, "held-one")
        await holder.execute(_FILL, batch_id, 7, "held-two")
        orders = ("one", "held-one", "two"), ("two", "held-two", "one")
        both = [
            asyncio.create_task(one.handle(*(content(batch_id, t) for t in order), partition=n))
            for n, (one, order) in enumerate(zip((first, second), orders, strict=True), 1)
        ]
        await eventually(lambda: _waiting(evidence, 2))
        await held.rollback()
    await asyncio.gather(*both)

    failures = [one.metrics.chunk_failures_total.labels("contention") for one in (first, second)]
    assert sum(failed._value.get() for failed in failures) == 1
    assert await evidence.counts(batch_id) == (4, 0, 4)
    assert len(await evidence.announced(EssaySlotAssignedV1)) == 4
    assert await evidence.dead_letters() == []


async def test_a_record_that_collides_for_ever_holds_nobody_up(
    replica: Replica,
    replicas: OpenReplica,
    evidence: Evidence,
    monkeypatch: pytest.MonkeyPatch,
    batch_id: UUID,
) -> None:
    """What it collides with is committed: there is nothing to wait for, in none of its many attempts."""
    await replica.handle(registration(batch_id, 8))
    monkeypatch.setattr(Backoff, "wait", _nobody_waits)
    colliding = await replicas("colliding", after=_collides)
    texts = [f"t{number}" for number in range(7)]
    await colliding.handle(*(content(batch_id, text) for text in (*texts, "twice")), partition=1)
    assert sorted(filter(None, await evidence.texts(batch_id))) == texts
    assert len(await evidence.dead_letters()) == 1


async def _collides(records: Sequence[Received[Any]], _: Transaction) -> None:
    if any(getattr(each.data, "text_storage_id", None) == "twice" for each in records):
        raise asyncpg.UniqueViolationError("duplicate key")


async def _nobody_waits(_: Backoff) -> None:
    raise AssertionError("waited")


async def _waiting(evidence: Evidence, count: int) -> bool:
    return await evidence.waiting_for_locks() == count


async def _is_free(connection: Any, pid: int) -> bool:
    return pid not in [row[0] for row in await connection.fetch(_BLOCKING)]


async def _placed_once(evidence: Evidence, batches: Sequence[UUID]) -> None:
    for batch_id in batches:
        assert await evidence.texts(batch_id) == ["same", None]
        assert await evidence.counts(batch_id) == (1, 0, 1)
    announced = await evidence.announced(EssaySlotAssignedV1)
    assert sorted(event.batch_id for event in announced) == batches
    assert await evidence.dead_letters() == []
    assert await evidence.positions() == {0: 2 * len(batches), 1: 1, 2: 1, 3: 1, 4: 1}
