"""A task that has to end ends, whatever is on its stack."""

import asyncio
from contextlib import suppress

import pytest

from rollcall.cancellation import apart, end
from tests.eventually import DEADLINE_SECONDS


async def swallow_one_cancellation() -> None:
    """As aiokafka's `stop()` does while it waits for a task of its own."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


async def test_a_task_that_swallows_a_cancellation_ends_all_the_same():
    async def stubborn() -> None:
        await swallow_one_cancellation()
        await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await end(task, again_seconds=0.01)
    assert task.cancelled()


async def test_work_that_swallows_cancellations_does_not_swallow_its_callers():
    async def caller() -> None:
        await apart(swallow_one_cancellation())

    task = asyncio.create_task(caller())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_work_apart_gives_its_result_and_its_error():
    async def divide(by: int) -> float:
        return 1 / by

    assert await apart(divide(2)) == 0.5
    with pytest.raises(ZeroDivisionError):
        await apart(divide(0))
