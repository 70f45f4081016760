"""A topic that turns bad is stopped before the chunk that crosses the limit commits."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from rollcall.consumer.pauses import PauseStore
from rollcall.errors import DeadLetterLimitError
from tests.db.conftest import OpenReplica
from tests.db.events import contents, registration
from tests.db.evidence import Evidence
from tests.db.replica import Replica
from tests.db.test_poison_records import refuse


@pytest.fixture(autouse=True)
def window_of_ten_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of ten records may be bad."""
    monkeypatch.setenv("ROLLCALL_DEAD_LETTER_WINDOW_RECORDS", "10")


async def test_a_chunk_that_crosses_the_limit_leaves_nothing(
    replica: Replica, evidence: Evidence, batch_id: UUID
):
    await replica.handle(registration(batch_id, 4), *contents(batch_id, 4))
    with pytest.raises(DeadLetterLimitError, match="6 of the newest 11 records"):
        await replica.handle(*[b"not JSON"] * 6)
    assert await evidence.dead_letters() == []
    assert await evidence.positions() == {0: 5}


async def test_bad_records_within_the_limit_become_dead_letters(
    replica: Replica, evidence: Evidence, batch_id: UUID
):
    await replica.handle(registration(batch_id, 4), *contents(batch_id, 4))
    await replica.handle(*[b"not JSON"] * 5)
    assert len(await evidence.dead_letters()) == 5


async def test_records_that_a_handler_cannot_take_count_as_they_are_isolated(
    replicas: OpenReplica, evidence: Evidence, batch_id: UUID
):
    """The parts of a bisected chunk commit one by one, up to the one that crosses the limit."""
    replica = await replicas(after=refuse(*(f"text-{n:05d}" for n in range(20))))
    with pytest.raises(DeadLetterLimitError, match="of the newest 10 records"):
        await replica.handle(*contents(batch_id, 20))
    letters = await evidence.dead_letters()
    assert len(letters) == 9
    assert await evidence.positions() == {0: 9}


async def test_a_registration_that_contradicts_counts_as_bad(
    replica: Replica, evidence: Evidence, batch_id: UUID
):
    others = [registration(batch_id, 3, course_code=f"C-{n}") for n in range(10)]
    with pytest.raises(DeadLetterLimitError, match="10 of the newest 11"):
        await replica.handle(registration(batch_id, 3), *others)
    assert await evidence.batch(batch_id) is None


async def test_a_topic_is_paused_once_and_resumed_once(connection: Any):
    store = PauseStore("group")
    assert await store.pause(connection, "t", "first reason", "a")
    assert not await store.pause(connection, "t", "second reason", "b")
    (pause,) = await store.read(connection)
    assert (pause.topic, pause.reason, pause.paused_by) == ("t", "first reason", "a")
    assert await PauseStore("other").read(connection) == []
    assert await store.resume(connection, "t", "fixed", "b")
    assert not await store.resume(connection, "t", "fixed again", "c")
    assert await store.read(connection) == []
    changes = await store.history(connection, 10)
    assert [(change.operator, change.action, change.reason) for change in changes] == [
        ("b", "resume", "fixed"),
        ("a", "pause", "first reason"),
    ]
    assert len(await store.history(connection, 1)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE operator_audit SET operator = 'nobody'",
        "DELETE FROM operator_audit",
        "TRUNCATE operator_audit",
    ],
)
async def test_the_audit_of_topics_can_only_be_added_to(connection: Any, statement: str):
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await connection.execute(statement)
