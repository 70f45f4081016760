"""Cancelled at any moment, an acquisition or a release leaves nothing behind."""

import asyncio
from typing import Any

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


@pytest.mark.parametrize("turns", range(4))
async def test_a_cancelled_waiter_passes_on_what_it_was_handed(
    programs: Programs, turns: int
) -> None:
    """However few turns of the loop lie between its wake-up and its cancellation; it may only be quicker than that."""
    program, second, third = programs(), programs(), programs()
    hold = await program.lock("job").acquire()
    waiting = asyncio.create_task(second.lock("job", lease_seconds=60).acquire())
    await eventually(lambda: queue_is(program, 1), poll_seconds=0.005)
    in_time = _cancel_when_woken(second, waiting, turns)
    await hold.release()
    await asyncio.wait([waiting])
    assert waiting.cancelled() == await in_time
    if not waiting.cancelled():
        await waiting.result().release()
    async with third.lock("job", wait_seconds=2) as after:
        assert after.is_held


def _cancel_when_woken(
    program: Coordination, task: asyncio.Task[Hold], turns: int
) -> asyncio.Future[bool]:
    """Cancel it then; tells whether it was still at work."""
    take = program._wakeups._take
    in_time: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def cancel_after(turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(cancel_after, turns - 1)
        else:
            in_time.set_result(task.cancel())

    def take_and_cancel(message: dict[str, Any]) -> None:
        take(message)
        if message["type"] == "message":
            cancel_after(turns)

    program._wakeups._take = take_and_cancel  # type: ignore[method-assign]
    return in_time
