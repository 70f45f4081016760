"""Counters, states, pools, filters and cached reads on one healthy server."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from rollcall.coordination import Coordination, StateStore, id_of
from rollcall.errors import (
    ConfigurationError,
    FailureLimitError,
    StateConflictError,
    StateTooLargeError,
)
from tests.coordination.conftest import Programs


class Claim(BaseModel):
    """Part of a state."""

    text: str
    weight: float
    due: date


class Progress(BaseModel):
    """A state with everything in it that JSON has no word for."""

    step: int
    started_at: datetime
    cost: Decimal
    run_id: UUID
    claims: list[Claim] = []
    notes: dict[str, dict[str, list[int]]] = {}
    text: str = ""


def progress(step: int, **changes: Any) -> Progress:
    """A state at a step."""
    fields: dict[str, Any] = {
        "step": step,
        "started_at": datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
        "cost": Decimal("0.10"),
        "run_id": UUID(int=7),
    }
    return Progress.model_validate(fields | changes)


@pytest.fixture
def store(program: Coordination) -> StateStore[Progress]:
    return program.state_store("runs", Progress)


# Counters


async def test_a_counter_increments_atomically_from_50_tasks(programs: Programs) -> None:
    counters = [programs().failure_counter("steps", limit=1000) for _ in range(5)]
    counts = await asyncio.gather(*(counters[n % 5].count("item") for n in range(50)))
    assert sorted(counts) == list(range(1, 51))
    assert await counters[0].made("item") == 50


async def test_no_more_attempts_than_the_limit_are_made(program: Coordination) -> None:
    counter = program.failure_counter("steps", limit=3)
    results = await asyncio.gather(
        *(counter.count("item") for _ in range(20)), return_exceptions=True
    )
    assert sorted(count for count in results if isinstance(count, int)) == [1, 2, 3]
    assert sum(isinstance(result, FailureLimitError) for result in results) == 17


async def test_a_success_starts_anew_and_a_failure_counts(program: Coordination) -> None:
    counter = program.failure_counter("steps", limit=3)
    with pytest.raises(ZeroDivisionError):
        async with counter.attempt("item"):
            raise ZeroDivisionError
    async with counter.attempt("item") as number:
        assert number == 2
    assert await counter.made("item") == 0


async def test_a_cancelled_attempt_does_not_count(program: Coordination) -> None:
    counter = program.failure_counter("steps", limit=3)
    began = asyncio.Event()

    async def work() -> None:
        async with counter.attempt("item"):
            began.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await counter.made("item") == 0


async def test_a_count_is_forgotten_in_time(program: Coordination) -> None:
    counter = program.failure_counter("steps", limit=3, forget_seconds=50)
    await counter.count("item")
    key = program.keys.of("failures:steps", "item")
    assert 40_000 < await program.server.command("PTTL", key) <= 50_000


_CRASHING_ATTEMPT = """
import asyncio, os, signal, sys
from rollcall.coordination import Coordination
from rollcall.errors import FailureLimitError

async def main():
    counter = Coordination(sys.argv[1], None, prefix=sys.argv[2], answer_seconds=20).failure_counter("steps", limit=2)
    try:
        async with counter.attempt("poison"):
            os.kill(os.getpid(), signal.SIGKILL)
    except FailureLimitError:
        sys.exit(9)

asyncio.run(main())
"""


async def test_a_loop_is_stopped_at_the_limit_even_when_each_attempt_crashes_the_process(
    redis_url: str, prefix: str
) -> None:
    command = [sys.executable, "-c", _CRASHING_ATTEMPT, redis_url, prefix]
    codes = []
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.DEVNULL, env=dict(os.environ)
        )
        codes.append(await asyncio.wait_for(process.wait(), 60))
    assert codes == [-signal.SIGKILL, -signal.SIGKILL, 9]


# States


async def test_nested_structures_numbers_dates_and_over_100_claims_come_back_as_they_were(
    store: StateStore[Progress],
) -> None:
    state = progress(
        3,
        cost=Decimal("123456789.000000001"),
        claims=[
            Claim(text=f"påstående {n} \u2603\n\x00", weight=n / 7, due=date(2026, 2, 28))
            for n in range(150)
        ],
        notes={"a": {"b": [1, 2**60, -3]}, "": {}},
    )
    await store.save("run", state, version=0)
    stored = await store.load("run")
    assert stored is not None
    assert stored.value == state
    assert stored.version == 1


async def test_5_mb_pass_through_the_store(store: StateStore[Progress]) -> None:
    state = progress(1, text="ä" * (5 * 2**20 // 2))
    assert len(state.model_dump_json().encode()) > 5 * 2**20
    await store.save("run", state, version=0)
    stored = await store.load("run")
    assert stored is not None
    assert stored.value == state


async def test_what_is_larger_than_the_limit_is_refused_before_it_is_sent(
    program: Coordination,
) -> None:
    store = program.state_store("runs", Progress, max_bytes=1000)
    await store.save("run", progress(1), version=0)
    with pytest.raises(StateTooLargeError, match="at most 1000"):
        await store.save("run", progress(2, text="x" * 1000), version=1)
    stored = await store.load("run")
    assert stored is not None
    assert stored.value.step == 1


async def test_of_writers_at_the_same_version_one_wins(store: StateStore[Progress]) -> None:
    await store.save("run", progress(0), version=0)
    results = await asyncio.gather(
        *(store.save("run", progress(n), version=1) for n in range(20)), return_exceptions=True
    )
    assert [result for result in results if isinstance(result, int)] == [2]
    assert sum(isinstance(result, StateConflictError) for result in results) == 19


async def test_a_state_is_saved_under_a_lock_only_while_it_is_held(
    programs: Programs, store: StateStore[Progress]
) -> None:
    other = programs()
    hold = await other.lock("run").acquire()
    await store.save("run", progress(1), version=0, hold=hold)
    await other.server.command("DEL", other.keys.of("lock", "run"))
    after = await other.lock("run").acquire()
    with pytest.raises(StateConflictError, match="lock is not held"):
        await store.save("run", progress(2), version=1, hold=hold)
    await store.save("run", progress(3), version=1, hold=after)
    await after.release()


async def test_a_state_and_its_lock_have_the_same_name(
    program: Coordination, store: StateStore[Progress]
) -> None:
    async with program.lock("another") as hold:
        with pytest.raises(ConfigurationError, match="same name"):
            await store.save("run", progress(1), version=0, hold=hold)


async def test_a_state_has_a_time_to_live(program: Coordination) -> None:
    store = program.state_store("runs", Progress, keep_seconds=100)
    await store.save("run", progress(1), version=0)
    left = await program.server.command("PTTL", program.keys.of("state:runs", "run"))
    assert 90_000 < left <= 100_000


@pytest.mark.parametrize("damage", [b"", b"{", b'{"step": 1}', b"\xff\xfe", b"null"], ids=repr)
async def test_a_corrupted_state_is_quarantined_with_its_bytes_and_the_last_good_step_is_read(
    program: Coordination, store: StateStore[Progress], damage: bytes
) -> None:
    await store.save("run", progress(1), version=0)
    await store.save("run", progress(2), version=1)
    key = program.keys.of("state:runs", "run")
    await program.server.command("HSET", key, "body", damage)
    stored = await store.load("run")
    assert stored is not None
    assert (stored.value.step, stored.recovered) == (1, True)
    assert await store.quarantined("run") == damage
    await store.save("run", progress(2), version=stored.version)
    again = await store.load("run")
    assert again is not None
    assert (again.value.step, again.recovered) == (2, False)


async def test_a_state_that_was_never_good_is_quarantined_and_gone(
    program: Coordination, store: StateStore[Progress]
) -> None:
    await store.save("run", progress(1), version=0)
    await program.server.command("HSET", program.keys.of("state:runs", "run"), "body", b"junk")
    assert await store.load("run") is None
    assert await store.quarantined("run") == b"junk"


async def test_state_is_kept_when_an_operation_is_interrupted(programs: Programs) -> None:
    """A save that is cancelled has happened or not; what is there is whole."""
    program = programs()
    store = program.state_store("runs", Progress)
    await store.save("run", progress(0, text="x" * 200_000), version=0)
    version = 1
    for turns in range(0, 24, 2):
        task = asyncio.create_task(
            store.save("run", progress(turns, text="y" * 200_000), version=version)
        )
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        stored = await programs().state_store("runs", Progress).load("run")
        assert stored is not None
        assert stored.version in (version, version + 1)
        assert not stored.recovered
        version = stored.version


# Pools


async def test_a_pool_gives_each_owner_one_member_the_same_each_time(programs: Programs) -> None:
    pools = [programs().slot_pool("desks") for _ in range(4)]
    assert await pools[0].fill(f"desk-{n}" for n in range(30)) == 30
    members = await asyncio.gather(*(pools[n % 4].assign(f"owner-{n % 40}") for n in range(80)))
    by_owner: dict[int, set[str | None]] = {}
    for n, member in enumerate(members):
        by_owner.setdefault(n % 40, set()).add(member)
    given = [member for member in members[:40] if member is not None]
    assert len(set(given)) == len(given) == 30
    assert all(len(names) == 1 for names in by_owner.values())
    assert await pools[0].free() == 0


async def test_a_member_that_is_given_back_is_given_again(program: Coordination) -> None:
    pool = program.slot_pool("desks")
    await pool.fill(["only"])
    assert await pool.assign("a") == "only"
    assert await pool.assign("b") is None
    assert await pool.fill(["only"]) == 0
    assert await pool.give_back("a") == "only"
    assert await pool.give_back("a") is None
    assert await pool.assign("b") == "only"
    assert await pool.assigned() == {"b": "only"}


# Filter


async def test_what_is_marked_is_found_with_its_note_and_nothing_else(
    program: Coordination,
) -> None:
    marks = program.idempotency_filter("events")
    ids = [uuid4().bytes for _ in range(2500)]
    await marks.mark({id_: b"note-%04d" % n for n, id_ in enumerate(ids) if n % 2})
    found = await marks.look_up(ids)
    assert found == {id_: b"note-%04d" % n for n, id_ in enumerate(ids) if n % 2}
    assert await marks.look_up([]) == {}


async def test_ids_and_notes_of_other_lengths_are_refused(program: Coordination) -> None:
    marks = program.idempotency_filter("events")
    with pytest.raises(ValueError, match="16 bytes"):
        await marks.mark({b"short": b"note"})
    with pytest.raises(ValueError, match="same length"):
        await marks.mark({id_of("a"): b"one", id_of("b"): b"other"})


async def test_the_filter_has_room_for_two_generations(program: Coordination) -> None:
    marks = program.idempotency_filter("events", max_ids=100)
    generations = [[id_of(f"{g}-{n}") for n in range(100)] for g in range(3)]
    for ids in generations:
        await marks.mark(dict.fromkeys(ids, b""))
    assert not await marks.look_up(generations[0])
    assert len(await marks.look_up(generations[1] + generations[2])) == 200


async def test_marks_end_with_their_time(program: Coordination) -> None:
    marks = program.idempotency_filter("events", keep_seconds=100)
    await marks.mark({id_of("a"): b""})
    left = await program.server.command("PTTL", program.keys.of("marks", "events"))
    assert 190_000 < left <= 200_000


# Cached reads


async def test_a_read_is_cached_until_it_is_invalidated(programs: Programs) -> None:
    loads: list[str] = []

    async def load(id_: str) -> Claim | None:
        loads.append(id_)
        if id_ == "none":
            return None
        return Claim(text=f"{id_} {len(loads)}", weight=1, due=date(2026, 1, 1))

    reads = [programs().cached_reads("claims", Claim, load, budget_seconds=5) for _ in range(2)]
    first = await reads[0].get("a")
    assert await reads[1].get("a") == first
    assert loads == ["a"]
    assert await reads[0].get("none") is None
    await reads[1].invalidate("a")
    assert await reads[0].get("a") != first


async def test_those_who_miss_together_load_once(program: Coordination) -> None:
    loads: list[str] = []

    async def load(id_: str) -> Claim:
        loads.append(id_)
        await asyncio.sleep(0.05)
        return Claim(text=id_, weight=1, due=date(2026, 1, 1))

    reads = program.cached_reads("claims", Claim, load, budget_seconds=5)
    await asyncio.gather(*(reads.get("a") for _ in range(20)))
    assert loads == ["a"]


async def test_what_was_invalidated_while_it_was_loaded_is_not_kept(programs: Programs) -> None:
    began, goes_on = asyncio.Event(), asyncio.Event()
    loads: list[str] = []

    async def load(id_: str) -> Claim:
        loads.append(id_)
        began.set()
        await goes_on.wait()
        return Claim(text=f"{len(loads)}", weight=1, due=date(2026, 1, 1))

    reads, other = (
        programs().cached_reads("claims", Claim, load, budget_seconds=5) for _ in range(2)
    )
    reading = asyncio.create_task(reads.get("a"))
    await began.wait()
    await other.invalidate("a")
    goes_on.set()
    await reading
    fresh = await other.get("a")
    assert fresh is not None
    assert fresh.text == "2"
