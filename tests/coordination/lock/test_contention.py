"""Several want the same lock: one has it, the others wait in line."""

import asyncio
import time

import pytest

from rollcall.coordination import Coordination, Hold
from rollcall.errors import LockBusyError
from tests.coordination.conftest import Programs
from tests.coordination.lock.redis_side import queue_is, take_away
from tests.eventually import eventually


async def test_same_key_many_contenders_one_holder(programs: Programs) -> None:
    """Of fifty who try once, one gets it."""
    tries = [programs().lock("job", wait_seconds=0).acquire() for _ in range(50)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    holds = [result for result in results if isinstance(result, Hold)]
    assert len(holds) == 1
    assert sum(isinstance(result, LockBusyError) for result in results) == 49
    await holds[0].release()


async def test_one_attempt_does_not_wait(program: Coordination) -> None:
    async with program.lock("job"):
        started = time.monotonic()
        with pytest.raises(LockBusyError, match="job"):
            await program.lock("job", wait_seconds=0).acquire()
        assert time.monotonic() - started < 1


async def test_waiting_ends_with_its_timeout_and_leaves_no_place_in_the_queue(
    programs: Programs,
) -> None:
    program, other = programs(), programs()
    async with program.lock("job"):
        with pytest.raises(LockBusyError, match=r"0\.2 s"):
            await other.lock("job", wait_seconds=0.2).acquire()
        assert await program.server.command("ZCARD", program.keys.of("queue", "job")) == 0
    async with program.lock("job", wait_seconds=0) as hold:
        assert hold.is_held


async def test_a_waiter_is_woken_at_once(programs: Programs) -> None:
    """Not by its next look: those are seconds apart."""
    program, other = programs(), programs()
    hold = await program.lock("job").acquire()
    waiting = asyncio.create_task(other.lock("job").acquire())
    await eventually(lambda: queue_is(program, 1), poll_seconds=0.01)
    released = time.monotonic()
    await hold.release()
    after = await waiting
    assert time.monotonic() - released < 0.5
    assert after.number > hold.number
    await after.release()


async def test_waiters_are_served_in_the_order_of_their_coming(programs: Programs) -> None:
    hold = await programs().lock("job").acquire()
    order: list[int] = []

    async def work(number: int, program: Coordination) -> None:
        async with program.lock("job"):
            order.append(number)

    tasks = []
    for number in range(10):
        program = programs()
        tasks.append(asyncio.create_task(work(number, program)))
        await eventually(lambda p=program, n=number: queue_is(p, n + 1), poll_seconds=0.005)
    await hold.release()
    await asyncio.gather(*tasks)
    assert order == list(range(10))


async def test_nobody_overtakes_those_who_wait(programs: Programs) -> None:
    """A lock that ran out is handed to the first in line, not to who happens to ask."""
    program, first, barger = programs(), programs(), programs()
    await program.lock("job", lease_seconds=30, extend=False).acquire()
    waiting = asyncio.create_task(first.lock("job").acquire())
    await eventually(lambda: queue_is(program, 1), poll_seconds=0.005)
    await take_away(program, "job")
    with pytest.raises(LockBusyError):
        await barger.lock("job", wait_seconds=0).acquire()
    await (await waiting).release()


async def test_a_dead_waiter_holds_nobody_up_for_long(programs: Programs) -> None:
    """It is handed the lock, does not take it, and the next has it after the time to claim it."""
    program, last = programs(), programs()
    hold = await program.lock("job").acquire()
    dead = programs()
    waiting = asyncio.create_task(dead.lock("job").acquire())
    await eventually(lambda: queue_is(program, 1), poll_seconds=0.005)
    await dead._wakeups.close()
    waiting.cancel()
    dead.server.run = _silence  # type: ignore[method-assign]
    await asyncio.wait([waiting])
    await hold.release()
    after = await last.lock("job", wait_seconds=6).acquire()
    await after.release()


async def _silence(*_: object) -> None:
    return None
