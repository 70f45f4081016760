"""The look for deadlines: bounded transactions, an index of its own, what the schema refuses."""

import uuid
from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from essay_lifecycle_service import deadlines
from rollcall_events import (
    BatchReadinessTimeoutV1,
)
from tests.db.deadlines import CLOSE, Let, with_deadline
from tests.db.evidence import Evidence
from tests.db.replica import Replica
from tests.eventually import eventually


async def test_many_batches_are_timed_out_by_one_sweep_in_bounded_transactions(
    replica: Replica, connection: Any, evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of many slots counts for many."""
    monkeypatch.setattr(deadlines, "TIMED_OUT_BATCHES", 10)
    monkeypatch.setattr(deadlines, "TIMED_OUT_SLOTS", 20)
    small, large = ([uuid.uuid4() for _ in range(count)] for count in (23, 3))
    await replica.handle(*(with_deadline(batch, 1, CLOSE) for batch in small))
    await replica.handle(*(with_deadline(batch, 15, CLOSE) for batch in large))
    await connection.execute("UPDATE batch SET deadline_at = now() - interval '1 second'")

    await _sweep_to_the_end(replica)

    timed_out = [event.batch_id for event in await evidence.announced(BatchReadinessTimeoutV1)]
    assert sorted(timed_out) == sorted([*small, *large])
    rows = [await evidence.batch(batch) for batch in timed_out]
    batches, slots = Counter[Any](), Counter[Any]()
    for row in rows:  # now() is the same in all of a transaction
        batches[row["timed_out_at"]] += 1
        slots[row["timed_out_at"]] += row["missing_count"]
    assert max(batches.values()) <= 10
    assert max(slots.values()) <= 20


async def test_the_look_for_deadlines_reads_only_batches_that_have_one(connection: Any) -> None:
    """The index holds open batches with a deadline alone, and the statement uses it."""
    await connection.execute(
        "INSERT INTO batch (batch_id, expected_count, open_count, course_code, essay_instructions,"
        " user_id, correlation_id, registration_digest)"
        " SELECT gen_random_uuid(), 1, 1, '', '', '', gen_random_uuid(), ''"
        " FROM generate_series(1, 2000)"
    )
    await connection.execute("ANALYZE batch")
    plan = await connection.fetchval(
        "EXPLAIN (FORMAT JSON) SELECT deadline_at, batch_id, open_count FROM batch"
        " WHERE state = 'open' AND timed_out_at IS NULL AND deadline_at <= now()"
        " AND (deadline_at, batch_id) > ('-infinity', gen_random_uuid())"
        " ORDER BY deadline_at, batch_id LIMIT 100"
    )
    assert '"batch_deadline"' in plan
    pages = await connection.fetchval("SELECT pg_relation_size('batch_deadline') / 8192")
    assert pages == 1


async def test_the_schema_refuses_a_batch_that_ended_otherwise_than_its_slots_say(
    replica: Replica, connection: Any, batch_id: UUID, let_deadline_pass: Let
) -> None:
    await replica.handle(with_deadline(batch_id, 2, CLOSE))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    for change in ("missing_count = 1", "open_count = 1", "state = 'open'", "closed_at = NULL"):
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                f"UPDATE batch SET {change} WHERE batch_id = $1",
                batch_id,
            )


async def _sweep_to_the_end(replica: Replica) -> None:
    """Sweep until the server let one sweep do all that it wanted.

    A server that is slow may end a transaction; what it held is the next sweep's.
    """
    failures = replica.metrics.follow_up_failures_total

    async def all_of_it() -> bool:
        before = failures._value.get()
        await replica.sweep()
        return failures._value.get() == before

    await eventually(all_of_it, message="a sweep without failures")
