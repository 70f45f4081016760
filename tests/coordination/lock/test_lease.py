"""Leases: extended in good time, over when they are over, and what the holder learns of it."""

import asyncio

import pytest

from rollcall.coordination import Coordination, Hold
from rollcall.errors import FencedOutError, LockBusyError, LockLostError
from tests.coordination.conftest import Programs
from tests.coordination.ledger import Ledger
from tests.coordination.lock.redis_side import take_away


async def test_expiry_releases(programs: Programs) -> None:
    """A holder that neither extends nor releases is succeeded when its lease is over."""
    program, other = programs(), programs()
    hold = await program.lock("job", lease_seconds=0.3, extend=False).acquire()
    after = await other.lock("job", wait_seconds=5).acquire()
    assert not hold.is_held
    assert after.number > hold.number
    await after.release()
    with pytest.raises(LockLostError):
        await hold.release()


async def test_extension_during_long_work(programs: Programs) -> None:
    """Work of two leases keeps the lock."""
    program, other = programs(), programs()
    async with program.lock("job", lease_seconds=1.5) as hold:
        for _ in range(4):
            await asyncio.sleep(0.75)
            assert hold.is_held
            with pytest.raises(LockBusyError):
                await other.lock("job", wait_seconds=0).acquire()
        assert await hold.verify()


async def test_extension_with_a_wrong_token_is_refused(programs: Programs) -> None:
    """Whoever took the lock over keeps its own lease."""
    program, other = programs(), programs()
    hold = await program.lock("job", lease_seconds=30).acquire()
    await take_away(program, "job")
    after = await other.lock("job", lease_seconds=5).acquire()
    with pytest.raises(LockLostError, match="taken"):
        await hold.extend(60)
    assert await program.server.command("PTTL", program.keys.of("lock", "job")) <= 5_000
    assert await after.verify()
    await after.release()


async def test_extension_starts_the_lease_anew(program: Coordination) -> None:
    hold = await program.lock("job", lease_seconds=2).acquire()
    await hold.extend()
    assert 1_500 < await program.server.command("PTTL", program.keys.of("lock", "job")) <= 2_000
    await hold.extend(20)
    assert await program.server.command("PTTL", program.keys.of("lock", "job")) > 15_000
    await hold.release()


async def test_expiry_during_work_cancels_the_holder_and_its_fenced_write_is_refused(
    programs: Programs, ledger: Ledger
) -> None:
    """The holder learns of it by cancellation; had it not, the fence would have refused it."""
    program, other = programs(), programs()
    at_work = asyncio.Event()
    holds: list[Hold] = []

    async def work() -> None:
        async with program.lock("job", lease_seconds=1.5, extend=False) as hold:
            holds.append(hold)
            await ledger.write(hold, "first")
            at_work.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(work())
    await at_work.wait()
    async with other.lock("job", wait_seconds=5) as hold:
        await ledger.write(hold, "second")
    with pytest.raises(LockLostError, match="expired"):
        await task
    with pytest.raises(LockLostError):
        await ledger.write(holds[0], "first, and knows it")
    holds[0].loss = None
    holds[0]._released, holds[0]._deadline = False, float("inf")
    with pytest.raises(FencedOutError):
        await ledger.write(holds[0], "first, and does not know it")
    assert await ledger.writers() == ["first", "second"]


async def test_a_lock_taken_away_cancels_the_holder_at_its_next_extension(
    programs: Programs,
) -> None:
    program = programs()
    began = asyncio.Event()

    async def work() -> None:
        async with program.lock("job", lease_seconds=2):
            began.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(work())
    await began.wait()
    await take_away(program, "job")
    with pytest.raises(LockLostError, match="taken"):
        await asyncio.wait_for(task, 5)
