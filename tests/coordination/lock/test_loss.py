"""A holder that notices its loss itself: its caller is told of the loss, not of a cancellation."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from rollcall import Database
from rollcall.coordination import Coordination, Hold
from rollcall.errors import FencedOutError, LockLostError
from tests.coordination.conftest import Programs
from tests.coordination.ledger import Ledger
from tests.coordination.lock.redis_side import take_away, value_of
from tests.eventually import DEADLINE_SECONDS

Last = Callable[[Hold], Awaitable[object]]


async def _verify(hold: Hold) -> None:
    assert not await hold.verify()


async def _verify_and_fail(hold: Hold) -> None:
    assert not await hold.verify()
    raise ZeroDivisionError


async def _verify_and_release(hold: Hold) -> None:
    assert not await hold.verify()
    await hold.release()


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (_verify, LockLostError),
        (_verify_and_fail, ZeroDivisionError),
        (_verify_and_release, LockLostError),
        (Hold.extend, LockLostError),
    ],
    ids=["verify", "verify and fail", "verify and release", "extend"],
)
async def test_a_loss_noticed_at_the_end_of_the_block(
    program: Coordination, last: Last, error: type[Exception]
) -> None:
    async def work() -> None:
        async with program.lock("job", lease_seconds=30) as hold:
            await take_away(program, "job")
            await last(hold)

    await _ends_with(work(), error)


async def test_a_loss_noticed_by_the_fence_at_the_end_of_the_block(
    programs: Programs, ledger: Ledger, database: Database
) -> None:
    program, other = programs(), programs()

    async def work() -> None:
        async with program.lock("job", lease_seconds=30) as hold:
            await take_away(program, "job")
            async with other.lock("job") as newer:
                await ledger.write(newer, "newer")
            await hold.fence(connection, ledger.resource)

    async with database.acquire() as connection, connection.transaction():
        await _ends_with(work(), FencedOutError)


async def _ends_with(work: Coroutine[Any, Any, None], error: type[Exception]) -> None:
    """Nobody cancels it, so it is not cancelled."""
    task = asyncio.create_task(work)
    await asyncio.wait([task], timeout=DEADLINE_SECONDS)
    assert not task.cancelled()
    assert not task.cancelling()
    assert type(task.exception()) is error


async def test_a_worker_goes_on_after_a_lost_lock(program: Coordination) -> None:
    """What is left of the loss does not reach its next round."""
    lost = 0

    async def work() -> None:
        nonlocal lost
        for _ in range(3):
            try:
                async with program.lock("job", lease_seconds=30) as hold:
                    await take_away(program, "job")
                    if not await hold.verify():
                        continue
            except LockLostError:
                lost += 1
        async with program.lock("job", lease_seconds=30) as hold:
            assert await hold.verify()

    task = asyncio.create_task(work())
    await asyncio.wait([task], timeout=DEADLINE_SECONDS)
    assert not task.cancelled()
    task.result()
    assert lost == 3
    assert not task.cancelling()


async def test_a_block_that_goes_on_is_cancelled(program: Coordination) -> None:
    """Also if the holder takes no notice of what it was told."""
    went_on = False

    async def work() -> None:
        nonlocal went_on
        async with program.lock("job", lease_seconds=30) as hold:
            await take_away(program, "job")
            await hold.verify()
            await asyncio.sleep(0)
            went_on = True

    await _ends_with(work(), LockLostError)
    assert not went_on


async def test_the_loss_of_an_outer_lock_noticed_at_the_end_of_the_inner_block(
    program: Coordination,
) -> None:
    """It cancels the end of the inner one, which is released all the same."""

    async def work() -> None:
        async with program.lock("outer", lease_seconds=30) as outer:
            await take_away(program, "outer")
            async with program.lock("inner", lease_seconds=30):
                assert not await outer.verify()

    await _ends_with(work(), LockLostError)
    assert await value_of(program, "inner") is None


async def test_a_cancellation_from_outside_beside_a_loss_stays_one(program: Coordination) -> None:
    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        async with program.lock("job", lease_seconds=30) as hold:
            await take_away(program, "job")
            await hold.verify()
            task.cancel()
            await asyncio.sleep(30)

    task = asyncio.create_task(work())
    await asyncio.wait([task], timeout=DEADLINE_SECONDS)
    assert task.cancelled()
