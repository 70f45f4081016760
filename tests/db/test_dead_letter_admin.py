"""Redriving and discarding: once, whole, and written down."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest

from essay_lifecycle_service import migrations_folders
from rollcall.database.migrations import migrate
from rollcall.database.schema_version import RUNTIME_MIGRATIONS
from rollcall.dead_letters.letter import LetterFilter
from rollcall.dead_letters.store import DeadLetterRegister, Decision
from rollcall.errors import DeadLetterError
from tests.db.connected import connected
from tests.db.dead_letters import (
    GROUP,
    NAME,
    audit,
    bury,
    open_lanes,
    operations,
    origins,
    outgoing,
    place,
    states,
)
from tests.db.evidence import Evidence
from tests.eventually import eventually

EVERY = LetterFilter()


async def test_a_redriven_record_waits_for_the_relay_as_it_was_read(connection: Any):
    await open_lanes(connection)
    await bury(connection, 7, partition=2, value=b"\x00\xff", headers=[["a", "/wA="], ["b", None]])
    await operations(connection).redrive(EVERY, "ops", "fixed in 2.1")
    (record,) = await outgoing(connection)
    assert (record.topic, record.key, record.value) == (NAME, b"key", b"\x00\xff")
    assert record.headers == [
        ("a", b"\xff\x00"),
        ("b", None),
        ("rollcall-redriven-from", str(place(7, 2)).encode()),
    ]


async def test_a_record_without_key_or_value_is_redriven_without(connection: Any):
    await open_lanes(connection)
    await bury(connection, 1, key=None, value=None)
    await operations(connection).redrive(EVERY, "ops")
    (record,) = await outgoing(connection)
    assert (record.key, record.value) == (None, None)


async def test_a_record_redriven_again_names_its_last_place_alone(connection: Any):
    await open_lanes(connection)
    await bury(
        connection, 9, headers=[["rollcall-redriven-from", "eA=="], ["lane-seq", "MToxOjE="]]
    )
    await operations(connection).redrive(EVERY, "ops")
    (record,) = await outgoing(connection)
    assert record.headers == [("rollcall-redriven-from", str(place(9)).encode())]


async def test_redriving_is_written_down_with_who_and_why(connection: Any):
    await open_lanes(connection)
    await bury(connection, 1)
    outcome = await operations(connection).redrive(EVERY, "ops", "fixed in 2.1")
    assert (outcome.touched, outcome.by_error, outcome.untouched) == (1, {"malformed": 1}, [])
    assert await states(connection) == {1: "redriven"}
    assert await audit(connection) == [("ops", "redrive", "fixed in 2.1", 1, "dead", "redriven")]
    (entry,) = (await operations(connection).show(place(1))).history
    assert (entry.operator, entry.state_after) == ("ops", "redriven")


async def test_redriving_twice_sends_once(connection: Any):
    await open_lanes(connection)
    await bury(connection, 1)
    await operations(connection).redrive(EVERY, "ops")
    again = await operations(connection).redrive(LetterFilter(ids=(place(1),)), "ops")
    assert (again.touched, [left.reason for left in again.untouched]) == (
        0,
        ["is redriven already"],
    )
    assert len(await outgoing(connection)) == 1


async def test_of_many_operators_at_once_each_dead_letter_is_redriven_by_one(
    connection: Any, database: str
):
    await open_lanes(connection)
    for offset in range(60):
        await bury(connection, offset)

    async def redrive(name: str) -> int:
        async with connected(database, "els") as own:
            return (await operations(own).redrive(EVERY, name)).touched

    touched = await asyncio.gather(*(redrive(f"ops-{number}") for number in range(6)))
    assert sum(touched) == 60
    sent = origins(await outgoing(connection))
    assert sorted(sent) == sorted(str(place(offset)) for offset in range(60))
    assert len(await audit(connection)) == 60


async def test_the_loser_of_a_race_waits_and_is_told(
    connection: Any, database: str, evidence: Evidence
):
    await open_lanes(connection)
    await bury(connection, 1)
    async with connected(database, "els") as own:
        async with connection.transaction():
            await DeadLetterRegister(GROUP).settle(
                connection, [place(1)], Decision("discard", "first", "known")
            )
            loser = asyncio.create_task(operations(own).redrive(EVERY, "second"))
            await eventually(evidence.waiting_for_locks)
        outcome = await loser
    assert (outcome.touched, outcome.untouched[0].reason) == (
        0,
        "was settled by someone else meanwhile",
    )
    assert await states(connection) == {1: "discarded"}
    assert await outgoing(connection) == []


async def test_a_redrive_that_cannot_be_sent_changes_nothing(connection: Any):
    """Without lanes there is no outbox: neither the row nor the audit says otherwise."""
    await bury(connection, 1)
    with pytest.raises(DeadLetterError, match="no lanes"):
        await operations(connection).redrive(EVERY, "ops")
    assert await states(connection) == {1: "dead"}
    assert await audit(connection) == []


async def test_records_of_one_key_keep_their_order_over_many_transactions(connection: Any):
    await open_lanes(connection)
    for offset in range(1100):
        await bury(connection, offset)
    outcome = await operations(connection).redrive(EVERY, "ops")
    assert outcome.touched == 1100
    assert origins(await outgoing(connection)) == [str(place(offset)) for offset in range(1100)]


async def test_what_its_topic_would_refuse_is_left_alone_and_the_rest_goes_on(connection: Any):
    await open_lanes(connection)
    await bury(connection, 1, value=bytes(4 * 2**20))
    await bury(connection, 2, topic="test.unheard.of")
    await bury(connection, 3)
    outcome = await operations(connection).redrive(EVERY, "ops")
    assert outcome.touched == 1
    reasons = {left.id.offset: left.reason for left in outcome.untouched}
    assert "its topic takes" in reasons[1]
    assert "no input topic of this deployment" in reasons[2]
    assert await states(connection) == {1: "dead", 2: "dead", 3: "redriven"}


async def test_what_dies_again_meanwhile_is_not_redriven_again(connection: Any):
    """A command ends with what was dead when it began."""
    await open_lanes(connection)
    await bury(connection, 1)
    await bury(connection, 2, hours_ago=-1)
    await operations(connection).redrive(EVERY, "ops")
    assert await states(connection) == {1: "redriven", 2: "dead"}


@pytest.mark.parametrize("action", ["redrive", "discard"])
async def test_a_dry_run_tells_what_would_be_and_changes_nothing(connection: Any, action: str):
    await open_lanes(connection)
    await bury(connection, 1)
    await bury(connection, 2, error_type="other")
    wanted = LetterFilter(error_type="malformed")
    act = getattr(operations(connection), action)
    outcome = await act(wanted, "ops", "because", dry_run=True)
    assert (outcome.touched, outcome.by_error) == (1, {"malformed": 1})
    assert await states(connection) == {1: "dead", 2: "dead"}
    assert (await audit(connection), await outgoing(connection)) == ([], [])


async def test_ids_that_name_nothing_are_told(connection: Any):
    outcome = await operations(connection).discard(LetterFilter(ids=(place(5),)), "ops", "gone")
    assert "is no dead letter of the group" in outcome.untouched[0].reason


async def test_discarding_keeps_the_row_and_writes_the_reason_down(connection: Any):
    await bury(connection, 1)
    await bury(connection, 2, error_type="other")
    await operations(connection).discard(LetterFilter(error_type="malformed"), "ops", "test data")
    assert await states(connection) == {1: "discarded", 2: "dead"}
    assert await audit(connection) == [("ops", "discard", "test data", 1, "dead", "discarded")]
    assert await outgoing(connection) == []


@pytest.mark.parametrize("reason", ["", "  "])
async def test_discarding_without_reason_is_refused(connection: Any, reason: str):
    await bury(connection, 1)
    with pytest.raises(DeadLetterError, match="needs a reason"):
        await operations(connection).discard(EVERY, "ops", reason)
    assert await states(connection) == {1: "dead"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE dead_letter_audit SET operator = 'nobody'",
        "DELETE FROM dead_letter_audit",
        "UPDATE operator_audit SET operator = 'nobody'",
        "DELETE FROM operator_audit",
        "TRUNCATE operator_audit",
    ],
)
async def test_the_audit_can_only_be_added_to(connection: Any, statement: str):
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await connection.execute(statement)


def test_a_deployment_that_is_older_gets_the_tables_later(empty_database: str, tmp_path: Path):
    """One of the first release has the first migration of the runtime and of the service."""
    runtime, service = migrations_folders()
    shutil.copy(runtime / "0001_runtime.sql", tmp_path)
    shutil.copy(service / "1001_batches_and_slots.sql", tmp_path)
    migrate(empty_database, "els", [tmp_path])
    applied = migrate(empty_database, "els", migrations_folders())
    known = sorted(file.stem for folder in (runtime, service) for file in folder.glob("*.sql"))
    assert sorted(applied) == [
        name for name in known if name not in ("0001_runtime", "1001_batches_and_slots")
    ]


def test_the_audits_of_the_release_before_are_kept_and_can_still_be_written(
    empty_database: str, tmp_path: Path
):
    """Its replicas run on while the schema is ahead of them."""
    for migration in sorted(RUNTIME_MIGRATIONS.glob("*.sql")):
        if migration.name < "0007":
            shutil.copy(migration, tmp_path)
    migrate(empty_database, "els", [tmp_path])
    with psycopg.connect(
        empty_database, options="-c search_path=els", autocommit=True
    ) as connection:
        for statement in _RELEASE_BEFORE:
            connection.execute(statement)
    shutil.copy(RUNTIME_MIGRATIONS / "0007_operator_audit.sql", tmp_path)
    migrate(empty_database, "els", [tmp_path])
    with psycopg.connect(
        empty_database, options="-c search_path=els", autocommit=True
    ) as connection:
        for statement in _RELEASE_BEFORE:
            connection.execute(statement)
        found = connection.execute(
            "SELECT operator, action, subject, before, after, reason FROM operator_audit ORDER BY id"
        ).fetchall()
        seen = connection.execute(
            "SELECT topic, partition, record_offset, state_after FROM dead_letter_audit"
        ).fetchall()
    letter = ("ann", "discard", "a.b-c-3@17", {"state": "dead"}, {"state": "discarded"}, "old")
    topic = ("bob", "pause", "a.b-c", {"paused": False}, {"paused": True}, "broken")
    assert found == [letter, topic] * 2
    assert seen == [("a.b-c", 3, 17, "discarded")] * 2


_RELEASE_BEFORE = (
    "INSERT INTO dead_letter_audit (operator, action, reason, consumer_group, topic, partition,"
    " record_offset, state_before, state_after)"
    " VALUES ('ann', 'discard', 'old', 'g', 'a.b-c', 3, 17, 'dead', 'discarded')",
    "INSERT INTO topic_audit (operator, action, reason, consumer_group, topic)"
    " VALUES ('bob', 'pause', 'broken', 'g', 'a.b-c')",
)
