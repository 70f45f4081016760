"""The sweep: one at a time on the database's clock, held up by no single claim, and what it tells."""

import asyncio
import uuid
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from rollcall import Event, InParts, Transaction
from rollcall.outbox.dead_instances import forget_dead_instances
from rollcall.periodic import PeriodicJob
from rollcall.settings import ServiceSettings
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchReadinessTimeoutV1,
    DeadlinePolicy,
)
from tests.db.conftest import OpenReplica
from tests.db.events import content, contents, registration
from tests.db.evidence import Evidence
from tests.db.replica import Replica
from tests.eventually import eventually

_INSERT_PENDING_FAILURE = (
    "INSERT INTO unplaced (batch_id, kind, identity, outcome, file_upload_id, original_file_name,"
    " file_size_bytes, validation_error_code, validation_error_detail, correlation_id)"
    " VALUES ($1, 'failure', $2, 'pending', $2, 'a.docx', 0, $3, '', gen_random_uuid())"
)
_HOLD_LOCK = "SELECT pg_advisory_xact_lock(current_schema()::regnamespace::oid::int, $1)"


async def nothing(_: Transaction) -> Iterable[Event]:
    return ()


def gauges(replica: Replica) -> dict[str, float]:
    """What a replica tells Prometheus of the last sweep."""
    text = generate_latest(replica.metrics.registry).decode()
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith(("rollcall_pending_", "rollcall_batches_"))
        and "completed" not in sample.name
    }


async def test_a_claim_that_cannot_be_placed_holds_up_no_other(
    replica: Replica, connection: Any, evidence: Evidence
) -> None:
    """The completion of its batch fails, for its error code is none; all other batches complete."""
    batches = [uuid.uuid4() for _ in range(9)]
    poisoned = batches[4]
    await replica.handle(*(registration(batch, 1) for batch in batches))
    for batch in batches:
        code = "NO_SUCH_CODE" if batch == poisoned else "EMPTY_CONTENT"
        await connection.execute(_INSERT_PENDING_FAILURE, batch, "file", code)

    await replica.sweep()

    completed = await evidence.announced(BatchContentProvisioningCompletedV1)
    assert {event.batch_id for event in completed} == {*batches} - {poisoned}
    assert await evidence.unplaced(poisoned, "pending") == ["file"]
    assert await evidence.counts(poisoned) == (0, 0, 1)


async def test_a_claim_that_cannot_be_placed_holds_up_no_other_of_its_batch(
    replica: Replica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    """Four slots: the fourth claim would complete the batch, whoever it is; three are placed."""
    await replica.handle(registration(batch_id, 4))
    codes = ["NO_SUCH_CODE", "EMPTY_CONTENT", "EMPTY_CONTENT", "EMPTY_CONTENT"]
    for number, code in enumerate(codes):
        await connection.execute(_INSERT_PENDING_FAILURE, batch_id, f"file-{number}", code)
    await replica.sweep()
    assert await evidence.counts(batch_id) == (0, 3, 1)


async def test_a_batch_that_cannot_be_timed_out_holds_up_no_other(
    replica: Replica, connection: Any, evidence: Evidence
) -> None:
    batches = [uuid.uuid4() for _ in range(9)]
    deadline = {"readiness_deadline_seconds": 1, "deadline_policy": DeadlinePolicy.COMPLETE_PARTIAL}
    await replica.handle(*(registration(batch, 2, **deadline) for batch in batches))
    await connection.execute("UPDATE batch SET deadline_at = now() - interval '1 minute'")
    poisoned = batches[4]
    await connection.execute("INSERT INTO completion (batch_id) VALUES ($1)", poisoned)

    await replica.sweep()

    timed_out = {event.batch_id for event in await evidence.announced(BatchReadinessTimeoutV1)}
    assert timed_out == {*batches} - {poisoned}
    assert (await evidence.batch(poisoned))["state"] == "open"


async def test_more_pending_claims_than_one_transaction_takes_are_all_placed(
    replica: Replica, connection: Any, evidence: Evidence
) -> None:
    batches = [uuid.uuid4() for _ in range(1200)]
    await replica.handle(*(registration(batch, 1) for batch in batches))
    for batch in batches:
        await connection.execute(_INSERT_PENDING_FAILURE, batch, "file", "EMPTY_CONTENT")
    await replica.sweep()
    assert len(await evidence.announced(BatchContentProvisioningCompletedV1)) == 1200


async def test_of_several_instances_one_runs_a_job_in_its_pause(
    replicas: OpenReplica, connection: Any
) -> None:
    """However many attempt it, and whatever their own clocks say."""
    three = [await replicas(name) for name in "abc"]
    job = PeriodicJob("job", 60, nothing)
    assert [await one.run(job) for one in three] == [True, False, False]
    await connection.execute("UPDATE periodic_job SET started_at = now() - interval '1 minute'")
    assert [await one.run(job) for one in three] == [True, False, False]


async def test_a_job_that_failed_is_due_again_at_once(replicas: OpenReplica) -> None:
    one, other = await replicas("one"), await replicas("other")

    async def fail(_: Transaction) -> Iterable[Event]:
        raise ValueError("broken")

    await one.run(PeriodicJob("job", 60, fail))
    assert await other.run(PeriodicJob("job", 60, nothing))


async def test_a_start_in_the_future_does_not_keep_a_job_from_running(
    replica: Replica, connection: Any
) -> None:
    """The server's clock was wrong, and was put right."""
    await replica.run(PeriodicJob("job", 60, nothing))
    await connection.execute("UPDATE periodic_job SET started_at = now() + interval '1 day'")
    assert await replica.run(PeriodicJob("job", 60, nothing))


async def test_a_job_that_another_instance_is_running_is_not_run_here(
    replica: Replica, connection: Any
) -> None:
    called: list[str] = []
    job = PeriodicJob("job", 0, nothing, otherwise=lambda: called.append("otherwise"))
    async with connection.transaction():
        await connection.execute(_HOLD_LOCK, job.lock_key)
        assert not await replica.run(job)
    assert called == ["otherwise"]
    assert await replica.run(job)


async def test_jobs_after_a_periodic_job_run_under_its_lock(
    replica: Replica, connection: Any, evidence: Evidence
) -> None:
    """Another instance has taken over between the two: it does the rest."""
    done: list[str] = []

    async def first(tx: Transaction) -> Iterable[Event]:
        tx.after_commit(second)
        taking.append(asyncio.create_task(take_over()))
        await eventually(evidence_waiting)
        return ()

    async def second(_: Transaction) -> Iterable[Event]:
        done.append("second")
        return ()

    async def evidence_waiting() -> bool:
        async with replica.database.acquire() as other:
            count = await other.fetchval(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        return bool(count)

    async def take_over() -> None:
        async with connection.transaction():
            await connection.execute(_HOLD_LOCK, job.lock_key)
            await leave.wait()

    taking: list[asyncio.Task[None]] = []
    leave = asyncio.Event()
    job = PeriodicJob("job", 0, first)
    assert await replica.run(job)
    leave.set()
    await taking[0]
    assert done == []


async def test_a_job_in_parts_leaves_out_what_it_cannot_do(replica: Replica) -> None:
    done: list[int] = []

    async def work(numbers: Any, tx: Transaction) -> Iterable[Event]:
        if 13 in numbers:
            raise ValueError("thirteen")
        done.extend(numbers)
        return ()

    async def start(tx: Transaction) -> Iterable[Event]:
        tx.after_commit(InParts(range(20), work))
        return ()

    await replica.run(PeriodicJob("job", 0, start))
    assert sorted(done) == [number for number in range(20) if number != 13]
    failures = replica.metrics.registry.get_sample_value("rollcall_follow_up_failures_total")
    assert failures == 1


async def test_a_sweep_that_is_held_up_holds_up_no_chunk_of_other_batches(
    replica: Replica, replicas: OpenReplica, connection: Any, evidence: Evidence, batch_id: UUID
) -> None:
    ending = uuid.uuid4()
    deadline = {"readiness_deadline_seconds": 1, "deadline_policy": DeadlinePolicy.COMPLETE_PARTIAL}
    await replica.handle(registration(ending, 2, **deadline), registration(batch_id, 3))
    await connection.execute("UPDATE batch SET deadline_at = now() - interval '1 minute'"
                             " WHERE deadline_at IS NOT NULL")  # fmt: skip
    other = await replicas("other")
    async with connection.transaction():
        await connection.execute("LOCK TABLE completion IN EXCLUSIVE MODE")
        sweep = asyncio.create_task(other.sweep())
        await eventually(evidence.waiting_for_locks)
        await replica.handle(*contents(batch_id, 2))
        assert await evidence.counts(batch_id) == (2, 0, 1)
        assert await evidence.counts(ending) == (0, 0, 2)
    await sweep
    assert len(await evidence.announced(BatchReadinessTimeoutV1)) == 1


async def test_the_sweep_tells_ages_until_another_instance_sweeps(
    replicas: OpenReplica, connection: Any
) -> None:
    """Nothing is told twice: an age that one instance saw long ago would hide what is so now."""
    one, other = await replicas("one"), await replicas("other")
    assert gauges(one) == {}
    waiting, stuck, late = [uuid.uuid4() for _ in range(3)]
    await one.handle(
        registration(stuck, 2),
        registration(late, 1, readiness_deadline_seconds=1),
        content(waiting, "early"),
    )
    await connection.execute(
        "UPDATE batch SET registered_at = now() - interval '10 minutes',"
        " deadline_at = deadline_at - interval '2 minutes'"
    )
    await connection.execute("UPDATE unplaced SET first_seen_at = now() - interval '1 hour'")
    await connection.execute(_INSERT_PENDING_FAILURE, stuck, "file", "EMPTY_CONTENT")
    await connection.execute(
        "UPDATE unplaced SET first_seen_at = now() - interval '6 minutes' WHERE batch_id = $1",
        stuck,
    )
    await one.sweep()
    told = gauges(one)
    assert 3600 <= told.pop("rollcall_pending_oldest_seconds") < 3700
    assert told == {"rollcall_batches_stuck": 1, "rollcall_batches_past_deadline": 1}

    await other.sweep()
    assert gauges(other)["rollcall_batches_stuck"] == 0
    assert not await one.run(PeriodicJob("sweep", 3600, nothing, otherwise=one.sweep_metrics.clear))
    assert gauges(one) == {}


@pytest.mark.parametrize(("silent_seconds", "left"), [(3500, 1), (3700, 0)])
async def test_instances_that_are_silent_for_long_are_forgotten(
    replica: Replica, connection: Any, silent_seconds: int, left: int
) -> None:
    await connection.execute(
        "INSERT INTO instance (instance_id, host, pid, heartbeat_at)"
        " VALUES ('gone', 'host', 1, now() - make_interval(secs => $1)), ('here', 'host', 2, now())",
        silent_seconds,
    )
    await replica.run(forget_dead_instances(ServiceSettings()))
    rows = await connection.fetch("SELECT instance_id FROM instance ORDER BY 1")
    assert [row["instance_id"] for row in rows] == ["gone"] * left + ["here"]
