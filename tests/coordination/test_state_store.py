"""States: whole, at one version, and set aside when they are damaged."""

import asyncio
from datetime import date
from decimal import Decimal

import pytest

from rollcall.coordination import Coordination, StateStore
from rollcall.errors import ConfigurationError, StateConflictError, StateTooLargeError
from tests.coordination.conftest import Programs
from tests.coordination.states import Claim, Progress, progress


@pytest.fixture
def store(program: Coordination) -> StateStore[Progress]:
    return program.state_store("runs", Progress)


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
