"""Cancelled at any moment, an acquisition or a release leaves nothing behind."""

import asyncio

import pytest

from rollcall.coordination import Coordination, Hold
from tests.coordination.conftest import Programs
from tests.coordination.lock.redis_side import queue_is, value_of
from tests.eventually import eventually


async def test_a_cancellation_from_outside_stays_one(program: Coordination) -> None:
    began = asyncio.Event()

    async def work() -> None:
        async with program.lock("job"):
            began.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await value_of(program, "job") is None


@pytest.mark.parametrize("turns", range(12))
async def test_cancellation_in_the_middle_of_acquire_leaves_no_lock_behind(
    programs: Programs, turns: int
) -> None:
    """Whatever the acquisition was at when it was cancelled."""
    program, other = programs(), programs()
    task = asyncio.create_task(program.lock("job", lease_seconds=60).acquire())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    result = (await asyncio.gather(task, return_exceptions=True))[0]
    if isinstance(result, Hold):  # it was quicker than the cancellation
        await result.release()
    async with other.lock("job", wait_seconds=2) as hold:
        assert hold.is_held


async def test_a_cancelled_acquisition_that_arrives_late_is_void(programs: Programs) -> None:
    """Its request is still on its way when it is given up; it then takes nothing."""
    program, other = programs(), programs()
    lock = program.lock("job", lease_seconds=60)
    await lock._give_up("a-token")
    with pytest.raises(Exception, match="given up"):
        await lock._ask("a-token", waits=True)
    async with other.lock("job", wait_seconds=0) as hold:
        assert hold.is_held


async def test_cancellation_of_a_release_releases_all_the_same(programs: Programs) -> None:
    program, other = programs(), programs()
    hold = await program.lock("job", lease_seconds=60).acquire()
    task = asyncio.create_task(hold.release())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with other.lock("job", wait_seconds=2) as after:
        assert after.is_held


async def test_a_cancelled_waiter_passes_on_what_it_was_handed(programs: Programs) -> None:
    program, second, third = programs(), programs(), programs()
    for _ in range(10):
        hold = await program.lock("job").acquire()
        waiting = asyncio.create_task(second.lock("job", lease_seconds=60).acquire())
        await eventually(lambda: queue_is(program, 1), poll_seconds=0.005)
        release = asyncio.create_task(hold.release())
        await asyncio.sleep(0.001)
        waiting.cancel()
        result = (await asyncio.gather(waiting, return_exceptions=True))[0]
        await release
        if isinstance(result, Hold):
            await result.release()
        async with third.lock("job", wait_seconds=1):
            pass
