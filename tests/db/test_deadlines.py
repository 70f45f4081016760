"""Deadlines: announced once when they pass, and what becomes of the batch by its policy."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from essay_lifecycle_service.domain.deadline import DeadlineDefaults
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchReadinessTimeoutV1,
    BatchValidationErrorsV1,
    DeadlinePolicy,
    EssaySlotAssignedV1,
    ExcessContentProvisionedV1,
    ExcessReason,
)
from tests.db.conftest import OpenReplica
from tests.db.events import content, contents, essay_id, failure, registration
from tests.db.evidence import Evidence
from tests.db.replica import Replica
from tests.eventually import eventually

KEEP_OPEN, COMPLETE_PARTIAL, CLOSE = DeadlinePolicy
GIVES_UP = [COMPLETE_PARTIAL, CLOSE]

Let = Callable[[UUID], Awaitable[None]]


@pytest.fixture
def let_deadline_pass(connection: Any) -> Let:
    """Makes a batch's deadline lie a second in the past, as if it had been registered long ago."""

    async def let(batch_id: UUID) -> None:
        await connection.execute(
            "UPDATE batch SET deadline_at = now() - interval '1 second' WHERE batch_id = $1",
            batch_id,
        )

    return let


def with_deadline(batch_id: UUID, slots: int, policy: DeadlinePolicy, seconds: int = 3600) -> Any:
    """A registration with a deadline of its own."""
    return registration(batch_id, slots, readiness_deadline_seconds=seconds, deadline_policy=policy)


async def test_a_batch_without_deadline_never_times_out(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(registration(batch_id, 2))
    await replica.sweep()
    batch = await evidence.batch(batch_id)
    assert (batch["deadline_at"], batch["deadline_policy"]) == (None, None)
    assert await evidence.announced(BatchReadinessTimeoutV1) == []


async def test_a_deadline_counts_from_the_registration_on_the_databases_clock(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(with_deadline(batch_id, 2, CLOSE, seconds=90))
    batch = await evidence.batch(batch_id)
    assert (batch["deadline_at"] - batch["registered_at"]).total_seconds() == 90
    assert batch["deadline_policy"] == "close"


async def test_the_service_gives_a_deadline_to_batches_that_name_none(
    replicas: OpenReplica, evidence: Evidence
) -> None:
    """What the registration says goes before; 0 seconds mean none."""
    replica = await replicas(deadlines=DeadlineDefaults(60, CLOSE))
    silent, own, without, other_policy = batches = [uuid.uuid4() for _ in range(4)]
    await replica.handle(
        registration(silent, 1),
        with_deadline(own, 1, KEEP_OPEN, seconds=7),
        registration(without, 1, readiness_deadline_seconds=0),
        registration(other_policy, 1, deadline_policy=COMPLETE_PARTIAL),
    )
    found = [await evidence.batch(batch) for batch in batches]
    seconds = [b["deadline_at"] and (b["deadline_at"] - b["registered_at"]).seconds for b in found]
    assert seconds == [60, 7, None, 60]
    assert [b["deadline_policy"] for b in found] == ["close", "keep_open", None, "complete_partial"]


async def test_a_registration_with_another_deadline_is_a_contradiction(
    replica: Replica, evidence: Evidence, batch_id: UUID
) -> None:
    await replica.handle(
        with_deadline(batch_id, 1, CLOSE),
        with_deadline(batch_id, 1, CLOSE),
        with_deadline(batch_id, 1, KEEP_OPEN),
        with_deadline(batch_id, 1, CLOSE, seconds=1),
        registration(batch_id, 1),
    )
    assert [letter["record_offset"] for letter in await evidence.dead_letters()] == [2, 3, 4]


@pytest.mark.parametrize("policy", DeadlinePolicy)
async def test_nothing_happens_before_the_deadline(
    replica: Replica, evidence: Evidence, batch_id: UUID, policy: DeadlinePolicy
) -> None:
    await replica.handle(with_deadline(batch_id, 2, policy), content(batch_id, "text"))
    await replica.sweep()
    assert await evidence.announced(BatchReadinessTimeoutV1) == []
    assert (await evidence.batch(batch_id))["state"] == "open"


@pytest.mark.parametrize("policy", DeadlinePolicy)
async def test_a_deadline_that_passes_is_announced_once_with_what_is_missing(
    replica: Replica,
    evidence: Evidence,
    batch_id: UUID,
    policy: DeadlinePolicy,
    let_deadline_pass: Let,
) -> None:
    await replica.handle(
        with_deadline(batch_id, 4, policy), content(batch_id, "text"), failure(batch_id, "file")
    )
    await let_deadline_pass(batch_id)
    for _ in range(3):
        await replica.sweep()

    (event,) = await evidence.announced(BatchReadinessTimeoutV1)
    assert event.model_dump(exclude={"timed_out_at"}) == {
        "batch_id": batch_id,
        "expected_count": 4,
        "provisioned_count": 1,
        "failed_count": 1,
        "open_count": 2,
        "missing_essay_ids": (essay_id(2), essay_id(3)),
        "policy": policy.value,
    }
    batch = await evidence.batch(batch_id)
    assert event.timed_out_at == batch["timed_out_at"]


async def test_a_batch_that_is_kept_open_goes_on_and_completes_later(
    replica: Replica, evidence: Evidence, batch_id: UUID, let_deadline_pass: Let
) -> None:
    await replica.handle(with_deadline(batch_id, 2, KEEP_OPEN), content(batch_id, "first"))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    assert await evidence.counts(batch_id) == (1, 0, 1)

    await replica.handle(content(batch_id, "second"))

    assert await evidence.event_types(batch_id) == [
        "EssaySlotAssignedV1",
        "BatchReadinessTimeoutV1",
        "EssaySlotAssignedV1",
        "BatchContentProvisioningCompletedV1",
        "BatchEssaysReadyV1",
    ]
    (completed,) = await evidence.announced(BatchContentProvisioningCompletedV1)
    assert (completed.missing_count, completed.missing_essay_ids) == (0, ())


async def test_a_partial_batch_completes_with_what_is_there(
    replica: Replica, evidence: Evidence, batch_id: UUID, let_deadline_pass: Let
) -> None:
    await replica.handle(
        with_deadline(batch_id, 4, COMPLETE_PARTIAL),
        content(batch_id, "text"),
        failure(batch_id, "file"),
    )
    await let_deadline_pass(batch_id)
    await replica.sweep()
    await replica.sweep()

    assert await evidence.event_types(batch_id) == [
        "EssaySlotAssignedV1",
        "BatchReadinessTimeoutV1",
        "BatchContentProvisioningCompletedV1",
        "BatchEssaysReadyV1",
        "BatchValidationErrorsV1",
    ]
    (completed,) = await evidence.announced(BatchContentProvisioningCompletedV1)
    assert completed.model_dump(exclude={"batch_id", "course_code", "user_id"}) == {
        "expected_count": 4,
        "provisioned_count": 1,
        "failed_count": 1,
        "essays_for_processing": ({"essay_id": essay_id(0), "text_storage_id": "text"},),
        "missing_count": 2,
        "missing_essay_ids": (essay_id(2), essay_id(3)),
    }
    (ready,) = await evidence.announced(BatchEssaysReadyV1)
    assert [essay.essay_id for essay in ready.ready_essays] == [essay_id(0)]
    (errors,) = await evidence.announced(BatchValidationErrorsV1)
    assert errors.failed_count == 1
    assert await evidence.counts(batch_id) == (1, 1, 0)
    batch = await evidence.batch(batch_id)
    assert (batch["state"], batch["missing_count"], batch["closed_at"]) == ("completed", 2, None)
    assert batch["completed_at"] == batch["timed_out_at"]


async def test_a_batch_for_which_nothing_came_completes_empty(
    replica: Replica, evidence: Evidence, batch_id: UUID, let_deadline_pass: Let
) -> None:
    await replica.handle(with_deadline(batch_id, 2, COMPLETE_PARTIAL))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    (ready,) = await evidence.announced(BatchEssaysReadyV1)
    assert ready.ready_essays == ()


async def test_a_closed_batch_never_completes(
    replica: Replica, evidence: Evidence, batch_id: UUID, let_deadline_pass: Let
) -> None:
    await replica.handle(with_deadline(batch_id, 3, CLOSE), content(batch_id, "text"))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    await replica.handle(*contents(batch_id, 5), failure(batch_id, "file"))
    await replica.sweep()

    assert await evidence.announced(BatchContentProvisioningCompletedV1) == []
    assert await evidence.counts(batch_id) == (1, 0, 0)
    batch = await evidence.batch(batch_id)
    assert (batch["state"], batch["missing_count"], batch["completed_at"]) == ("closed", 2, None)
    assert batch["closed_at"] == batch["timed_out_at"]


@pytest.mark.parametrize("policy", GIVES_UP)
async def test_content_after_the_slots_were_given_up_is_excess_of_a_closed_batch_once(
    replica: Replica,
    evidence: Evidence,
    batch_id: UUID,
    policy: DeadlinePolicy,
    let_deadline_pass: Let,
) -> None:
    await replica.handle(with_deadline(batch_id, 2, policy), content(batch_id, "text"))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    late = content(batch_id, "late")
    await replica.handle(late, content(batch_id, "text"))
    await replica.handle(late)

    (event,) = await evidence.announced(ExcessContentProvisionedV1)
    assert (event.text_storage_id, event.reason) == ("late", ExcessReason.BATCH_CLOSED)
    assert await evidence.unplaced(batch_id, "excess") == ["late"]


@pytest.mark.parametrize("policy", GIVES_UP)
async def test_a_validation_failure_after_the_slots_were_given_up_is_kept_and_not_announced(
    replica: Replica,
    evidence: Evidence,
    batch_id: UUID,
    policy: DeadlinePolicy,
    let_deadline_pass: Let,
) -> None:
    await replica.handle(with_deadline(batch_id, 2, policy), content(batch_id, "text"))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    before = await evidence.event_types(batch_id)
    await replica.handle(failure(batch_id, "late"))
    assert await evidence.event_types(batch_id) == before
    assert await evidence.unplaced(batch_id, "excess") == ["late"]


async def test_a_full_batch_does_not_time_out(
    replica: Replica, evidence: Evidence, batch_id: UUID, let_deadline_pass: Let
) -> None:
    """Its content is excess because nothing is left, not because it was closed."""
    await replica.handle(with_deadline(batch_id, 1, CLOSE), content(batch_id, "text"))
    await let_deadline_pass(batch_id)
    await replica.sweep()
    await replica.handle(content(batch_id, "late"))
    assert await evidence.announced(BatchReadinessTimeoutV1) == []
    (excess,) = await evidence.announced(ExcessContentProvisionedV1)
    assert excess.reason is ExcessReason.NO_AVAILABLE_SLOT


@pytest.mark.parametrize("policy", GIVES_UP)
async def test_content_that_waits_when_its_batch_ends_becomes_excess_of_a_closed_batch(
    replica: Replica,
    connection: Any,
    evidence: Evidence,
    batch_id: UUID,
    policy: DeadlinePolicy,
    let_deadline_pass: Let,
) -> None:
    await replica.handle(with_deadline(batch_id, 1, policy))
    async with connection.transaction():
        await connection.execute("SELECT FROM slot WHERE batch_id = $1 FOR UPDATE", batch_id)
        await replica.handle(content(batch_id, "waiting"))
    assert await evidence.unplaced(batch_id, "pending") == ["waiting"]
    await connection.execute(  # past what the look for pending content of the next sweep takes back
        "UPDATE batch SET deadline_at = now() - interval '1 second' WHERE batch_id = $1", batch_id
    )
    async with connection.transaction():
        await connection.execute("SELECT FROM unplaced WHERE batch_id = $1 FOR UPDATE", batch_id)
        await replica.sweep()
    assert (await evidence.batch(batch_id))["missing_count"] == 1

    await replica.sweep()

    (event,) = await evidence.announced(ExcessContentProvisionedV1)
    assert event.reason is ExcessReason.BATCH_CLOSED
    assert await evidence.announced(EssaySlotAssignedV1) == []
    assert await evidence.unplaced(batch_id, "pending") == []


@pytest.mark.parametrize("policy", DeadlinePolicy)
async def test_a_batch_whose_slot_is_being_taken_is_left_for_the_next_sweep(
    replica: Replica,
    replicas: OpenReplica,
    evidence: Evidence,
    batch_id: UUID,
    policy: DeadlinePolicy,
    let_deadline_pass: Let,
) -> None:
    """The taker holds the slot and the batch's row until it commits; the sweep waits for neither."""
    inside, leave = asyncio.Event(), asyncio.Event()
    await replica.handle(with_deadline(batch_id, 3, policy))
    await let_deadline_pass(batch_id)
    slow = await replicas("slow", after=_held(inside, leave))

    taker = asyncio.create_task(slow.handle(content(batch_id, "text"), partition=1))
    await inside.wait()
    try:
        async with asyncio.timeout(5):
            await replica.sweep()
        assert await evidence.announced(BatchReadinessTimeoutV1) == []
    finally:
        leave.set()
        await taker
    await replica.sweep()

    (event,) = await evidence.announced(BatchReadinessTimeoutV1)
    assert (event.provisioned_count, event.open_count) == (1, 2)
    assert await evidence.texts(batch_id) == ["text", None, None]


@pytest.mark.parametrize("policy", GIVES_UP)
async def test_a_slot_locked_before_its_taker_counts_keeps_the_batch_as_it_is(
    replica: Replica,
    connection: Any,
    evidence: Evidence,
    batch_id: UUID,
    policy: DeadlinePolicy,
    let_deadline_pass: Let,
) -> None:
    """All open slots are given up, or none: a batch does not end with a slot still open."""
    await replica.handle(with_deadline(batch_id, 3, policy))
    await let_deadline_pass(batch_id)
    async with connection.transaction():
        await connection.execute(
            "SELECT FROM slot WHERE batch_id = $1 AND position = 1 FOR UPDATE", batch_id
        )
        await replica.sweep()
        assert await evidence.counts(batch_id) == (0, 0, 3)
        assert await evidence.announced(BatchReadinessTimeoutV1) == []


async def test_the_last_filler_and_the_deadline_complete_a_batch_once(
    replica: Replica,
    replicas: OpenReplica,
    evidence: Evidence,
    batch_id: UUID,
    let_deadline_pass: Let,
) -> None:
    """The deadline passes while the last slot is being taken: the batch is full, not partial."""
    inside, leave = asyncio.Event(), asyncio.Event()
    await replica.handle(with_deadline(batch_id, 1, COMPLETE_PARTIAL))
    await let_deadline_pass(batch_id)
    slow = await replicas("slow", after=_held(inside, leave))

    filler = asyncio.create_task(slow.handle(content(batch_id, "text"), partition=1))
    await inside.wait()
    await replica.sweep()
    leave.set()
    await filler
    await replica.sweep()

    assert await evidence.event_types(batch_id) == [
        "EssaySlotAssignedV1",
        "BatchContentProvisioningCompletedV1",
        "BatchEssaysReadyV1",
    ]


@pytest.mark.parametrize("policy", GIVES_UP)
async def test_content_that_meets_a_batch_while_it_ends_is_excess_afterwards(
    replica: Replica,
    replicas: OpenReplica,
    connection: Any,
    evidence: Evidence,
    batch_id: UUID,
    policy: DeadlinePolicy,
    let_deadline_pass: Let,
) -> None:
    """It sees slots that are open but locked, hence waits; the end of the batch is not visible yet."""
    await replica.handle(with_deadline(batch_id, 2, policy))
    await let_deadline_pass(batch_id)
    ending = await replicas("ending")
    async with connection.transaction():
        await connection.execute("LOCK TABLE segment IN EXCLUSIVE MODE")
        sweep = asyncio.create_task(ending.sweep())
        await eventually(evidence.waiting_for_locks)  # to write its events, all else is done
        await replica.handle(content(batch_id, "late"))
        assert await evidence.unplaced(batch_id, "pending") == ["late"]
        assert await evidence.announced(ExcessContentProvisionedV1) == []
    await sweep
    await replica.handle(content(batch_id, "late"))

    (event,) = await evidence.announced(ExcessContentProvisionedV1)
    assert event.reason is ExcessReason.BATCH_CLOSED
    assert await evidence.announced(EssaySlotAssignedV1) == []
    assert len(await evidence.announced(BatchReadinessTimeoutV1, batch_id)) == 1


@pytest.mark.parametrize("policy", DeadlinePolicy)
async def test_sweeps_of_several_replicas_at_once_time_a_batch_out_once(
    replicas: OpenReplica, evidence: Evidence, policy: DeadlinePolicy, let_deadline_pass: Let
) -> None:
    four = [await replicas(name) for name in "abcd"]
    batches = [uuid.uuid4() for _ in range(20)]
    await four[0].handle(*(with_deadline(batch, 2, policy) for batch in batches))
    for batch in batches:
        await let_deadline_pass(batch)

    await asyncio.gather(*(one.sweep() for one in four))

    timeouts = [event.batch_id for event in await evidence.announced(BatchReadinessTimeoutV1)]
    assert sorted(timeouts) == sorted(batches)


@pytest.mark.parametrize("policy", DeadlinePolicy)
async def test_fillers_and_sweeps_at_once_put_each_content_in_one_place(
    replicas: OpenReplica, evidence: Evidence, policy: DeadlinePolicy, let_deadline_pass: Let
) -> None:
    """Whatever comes first: a slot before the end or excess after it, and every event once."""
    three = [await replicas(name, connections=4) for name in "abc"]
    batches = [uuid.uuid4() for _ in range(8)]
    await three[0].handle(*(with_deadline(batch, 12, policy) for batch in batches), partition=99)

    async def fill(one: Replica, number: int) -> None:
        for step in range(5):
            chunk = [content(batch, f"text-{number}-{step}") for batch in batches]
            await one.handle(*chunk, partition=number)

    async def time_out() -> None:
        for batch in batches:
            await let_deadline_pass(batch)
            await three[0].sweep()

    await asyncio.gather(*(fill(one, number) for number, one in enumerate(three)), time_out())
    await three[0].sweep()

    for batch in batches:
        filled, _, open_slots = await evidence.counts(batch)
        excess = await evidence.unplaced(batch, "excess")
        assert filled + len(excess) == 15
        assert await evidence.unplaced(batch, "pending") == []
        assert len(await evidence.announced(EssaySlotAssignedV1, batch)) == filled
        announced = await evidence.announced(ExcessContentProvisionedV1, batch)
        assert sorted(event.text_storage_id for event in announced) == excess
        types = await evidence.event_types(batch)
        completions = types.count("BatchContentProvisioningCompletedV1")
        assert completions == (filled == 12 or policy is COMPLETE_PARTIAL)
        if completions and policy is not KEEP_OPEN:
            last_slot = max(
                (n for n, t in enumerate(types) if t == "EssaySlotAssignedV1"), default=-1
            )
            assert types.index("BatchContentProvisioningCompletedV1") > last_slot
        assert open_slots == 0


async def test_many_batches_are_timed_out_by_one_sweep(
    replica: Replica, connection: Any, evidence: Evidence
) -> None:
    """More than one transaction takes; a batch of many slots counts for many."""
    batches = [uuid.uuid4() for _ in range(230)]
    await replica.handle(*(with_deadline(batch, 1, CLOSE) for batch in batches))
    large = [uuid.uuid4() for _ in range(3)]
    for batch in large:
        await replica.handle(with_deadline(batch, 10_000, CLOSE))
    await connection.execute("UPDATE batch SET deadline_at = now() - interval '1 second'")

    await replica.sweep()

    timed_out = {event.batch_id for event in await evidence.announced(BatchReadinessTimeoutV1)}
    assert timed_out == {*batches, *large}


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


def _held(inside: asyncio.Event, leave: asyncio.Event) -> Any:
    """Keeps a chunk's transaction open after its handlers."""

    async def stay_open(*_: object) -> None:
        inside.set()
        await leave.wait()

    return stay_open
