"""A request that was asked again and arrives after its repetition, and after what came next, does nothing."""

import asyncio
from collections.abc import Sequence
from typing import Any

from rollcall.coordination import Coordination
from rollcall.errors import CoordinationUnavailableError
from tests.coordination.conftest import Programs
from tests.coordination.lock.redis_side import queue_is, value_of
from tests.coordination.states import Progress, progress
from tests.eventually import eventually


class _HeldUp:
    """The next request, or the one `after` so many, is on its way until the test lets it arrive.

    `executed`: it has arrived, and its answer is on its way for ever.
    """

    def __init__(self, program: Coordination, *, after: int = 0, executed: bool = False) -> None:
        self._executed = executed
        self._answer = program.server._answer
        self._before = after
        self._words: Sequence[Any] = ()
        program.server._answer = self._hold_up  # type: ignore[method-assign]

    async def _hold_up(self, words: Sequence[Any]) -> Any:
        self._before -= 1
        if self._before != -1:
            return await self._answer(words)
        self._words = words
        if self._executed:
            await self._answer(words)
        raise CoordinationUnavailableError("held up")

    async def arrives(self) -> None:
        """Redis has worked on it."""
        await self._answer(self._words)


async def test_a_late_acquisition_does_not_take_a_lock_that_was_released(
    program: Coordination,
) -> None:
    late = _HeldUp(program)
    hold = await program.lock("job", lease_seconds=60).acquire()
    await hold.release()
    await late.arrives()
    assert await value_of(program, "job") is None


async def test_a_late_acquisition_does_not_cut_an_extended_lease_short(
    program: Coordination,
) -> None:
    late = _HeldUp(program)
    hold = await program.lock("job", lease_seconds=5).acquire()
    await hold.extend(60)
    await late.arrives()
    assert await program.server.command("PTTL", program.keys.of("lock", "job")) > 50_000
    await hold.release()


async def test_a_late_waiter_does_not_stand_in_line_again(programs: Programs) -> None:
    """It has had the lock and gone: nobody would take what it is handed."""
    program, other = programs(), programs()
    before = await other.lock("job").acquire()
    late = _HeldUp(program, after=1)
    waiting = asyncio.create_task(program.lock("job").acquire())
    await eventually(lambda: queue_is(other, 1), poll_seconds=0.01)
    await before.release()
    await (await waiting).release()
    async with other.lock("job"):
        await late.arrives()
        assert await queue_is(other, 0)


async def test_a_member_that_is_given_back_late_stays_with_its_new_owner(
    program: Coordination,
) -> None:
    pool = program.slot_pool("desks")
    await pool.fill(["only"])
    await pool.assign("a")
    late = _HeldUp(program)
    await pool.give_back("a")
    await pool.assign("a")
    await late.arrives()
    assert await pool.assign("b") is None
    assert await pool.assigned() == {"a": "only"}


async def test_a_late_assignment_gives_nothing_to_an_owner_that_has_left(
    program: Coordination,
) -> None:
    pool = program.slot_pool("desks")
    await pool.fill(["only"])
    late = _HeldUp(program)
    await pool.assign("a")
    await pool.give_back("a")
    await late.arrives()
    assert await pool.assign("b") == "only"


async def test_a_late_deletion_does_not_delete_a_newer_state(program: Coordination) -> None:
    store = program.state_store("runs", Progress)
    await store.save("run", progress(1), version=0)
    late = _HeldUp(program)
    await store.delete("run")
    await store.save("run", progress(2), version=0)
    await late.arrives()
    stored = await store.load("run")
    assert stored is not None
    assert stored.value.step == 2


async def test_a_late_save_does_not_bring_a_deleted_state_back(program: Coordination) -> None:
    store = program.state_store("runs", Progress)
    late = _HeldUp(program)
    await store.save("run", progress(1), version=0)
    await store.delete("run")
    await late.arrives()
    assert await store.load("run") is None


async def test_counts_are_not_forgotten_late(program: Coordination) -> None:
    counter = program.failure_counter("steps", limit=5)
    await counter.count("item")
    late = _HeldUp(program)
    await counter.forget("item")
    await counter.count("item")
    await late.arrives()
    assert await counter.made("item") == 1


async def test_a_repetition_leaves_a_mark_for_a_while_and_a_first_attempt_none(
    program: Coordination, prefix: str
) -> None:
    async def marks() -> list[bytes]:
        found: list[bytes] = await program.server.command("KEYS", f"{{{prefix}:*:repeated:*")
        return found

    pool = program.slot_pool("desks")
    await pool.assign("a")
    assert await marks() == []
    _HeldUp(program)
    await pool.assign("a")
    (mark,) = await marks()
    assert 0 < await program.server.command("PTTL", mark) <= 10_000


async def test_a_repetition_of_what_was_done_has_its_answer(program: Coordination) -> None:
    """The first attempt arrived in time, and its answer was lost."""
    pool, store = program.slot_pool("desks"), program.state_store("runs", Progress)
    await pool.fill(["a", "b", "c"])
    await pool.assign("before")  # Redis knows the scripts
    await store.save("before", progress(1), version=0)
    async with program.lock("job"):
        pass
    _HeldUp(program, executed=True)
    await pool.assign("owner")
    assert await pool.free() == 1
    _HeldUp(program, executed=True)
    assert await store.save("run", progress(1), version=0) == 1
    _HeldUp(program, executed=True)
    async with program.lock("job") as hold:
        assert await hold.verify()
