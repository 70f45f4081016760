"""Leases: extended in good time, over when they are over, and what the holder learns of it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from rollcall.coordination import Coordination, Hold
from rollcall.coordination.hold import EXTEND
from rollcall.coordination.server import Script
from rollcall.errors import FencedOutError, LockBusyError, LockLostError
from tests.coordination.conftest import Programs
from tests.coordination.ledger import Ledger
from tests.coordination.lock.redis_side import take_away
from tests.eventually import eventually


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


@pytest.mark.parametrize("extend", [False, True])
async def test_the_end_of_a_lease_is_noticed_though_its_timer_came_early(
    program: Coordination, extend: bool
) -> None:
    """By less than a millisecond, as uvloop's do."""
    hold = await program.lock("job", lease_seconds=1, extend=extend).acquire()
    hold._timer.cancel()
    early = hold._look_at_end if extend else hold._look
    early()
    await eventually(lambda: hold.loss == "expired", poll_seconds=0.01)


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


async def test_a_shorter_lease_does_not_cut_the_confirmed_one_short(programs: Programs) -> None:
    """As long as its holder counts on it nobody else has it."""
    program, other = programs(), programs()
    hold = await program.lock("job", lease_seconds=30).acquire()
    await hold.extend(1)
    with pytest.raises(LockBusyError):
        await other.lock("job", wait_seconds=1.5).acquire()
    assert hold.is_held
    await hold.release()


async def test_an_extension_that_arrives_late_does_not_cut_a_longer_one_short(
    program: Coordination,
) -> None:
    hold = await program.lock("job", lease_seconds=4.5).acquire()
    late = _Late(program, 4_500)
    await late.came.wait()
    await hold.extend(60)
    await late.arrives()
    assert await program.server.command("PTTL", program.keys.of("lock", "job")) > 50_000
    await hold.release()


async def test_an_extension_confirms_no_more_than_it_asked_for(program: Coordination) -> None:
    """The longer one that was asked for meanwhile may never arrive."""
    hold = await program.lock("job", lease_seconds=4.5).acquire()
    short, long = _Late(program, 4_500), _Late(program, 60_000)
    await short.came.wait()
    extending = asyncio.create_task(hold.extend(60))
    await long.came.wait()
    await short.arrives()
    assert hold._deadline < asyncio.get_running_loop().time() + 4.5
    await long.arrives()
    await extending
    assert hold._deadline > asyncio.get_running_loop().time() + 50
    await hold.release()


async def test_a_lock_that_was_made_to_last_for_ever_has_a_lease_again(
    program: Coordination,
) -> None:
    hold = await program.lock("job", lease_seconds=5).acquire()
    await program.server.command("PERSIST", program.keys.of("lock", "job"))
    await hold.extend()
    assert 0 < await program.server.command("PTTL", program.keys.of("lock", "job")) <= 5_000
    await hold.release()


class _Late:
    """The next extension by so many ms is on its way until the test lets it arrive."""

    def __init__(self, program: Coordination, lease_ms: int) -> None:
        self.came = asyncio.Event()
        self._goes_on = asyncio.Event()
        self._answered = asyncio.Event()
        run_once = program.server.run_once

        async def run_late(script: Script, keys: Sequence[str], *arguments: Any) -> Any:
            if script is not EXTEND or arguments[1] != lease_ms or self.came.is_set():
                return await run_once(script, keys, *arguments)
            self.came.set()
            await self._goes_on.wait()
            try:
                return await run_once(script, keys, *arguments)
            finally:
                self._answered.set()

        program.server.run_once = run_late  # type: ignore[method-assign]

    async def arrives(self) -> None:
        """Return once its answer is there, and has been read."""
        self._goes_on.set()
        await self._answered.wait()
        await asyncio.sleep(0)


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
