"""Locks on one healthy server: the behaviour that users of well-known clients rely on, and fencing."""

import asyncio
import time
from typing import Any

import pytest

from rollcall.coordination import Coordination, Hold
from rollcall.errors import FencedOutError, LockBusyError, LockLostError
from tests.coordination.conftest import Programs
from tests.coordination.ledger import Ledger
from tests.eventually import eventually


async def _value(program: Coordination, hold_or_name: Hold | str) -> Any:
    name = hold_or_name if isinstance(hold_or_name, str) else hold_or_name.name
    return await program.server.command("GET", program.keys.of("lock", name))


async def _delete(program: Coordination, name: str) -> None:
    await program.server.command("DEL", program.keys.of("lock", name))


async def test_same_key_many_contenders_one_holder(programs: Programs) -> None:
    """Of fifty who try once, one gets it."""
    tries = [programs().lock("job", wait_seconds=0).acquire() for _ in range(50)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    holds = [result for result in results if isinstance(result, Hold)]
    assert len(holds) == 1
    assert sum(isinstance(result, LockBusyError) for result in results) == 49
    await holds[0].release()


async def test_different_keys_are_held_in_parallel(program: Coordination) -> None:
    holds = await asyncio.gather(*(program.lock(f"job-{n}").acquire() for n in range(50)))
    assert all(hold.is_held for hold in holds)
    assert len({hold.token for hold in holds}) == 50
    for hold in holds:
        await hold.release()


async def test_a_token_is_new_for_each_acquisition_and_stands_in_redis(
    program: Coordination,
) -> None:
    tokens = set()
    for _ in range(3):
        async with program.lock("job") as hold:
            assert await _value(program, hold) == hold.token.encode()
            tokens.add(hold.token)
    assert len(tokens) == 3
    assert await _value(program, "job") is None


async def test_the_lease_is_set_with_the_lock(program: Coordination) -> None:
    async with program.lock("job", lease_seconds=5) as hold:
        left = await program.server.command("PTTL", program.keys.of("lock", hold.name))
        assert 4_000 < left <= 5_000


async def test_fencing_numbers_grow_with_each_acquisition_by_whomever(programs: Programs) -> None:
    numbers = []
    for program in (programs(), programs(), programs()):
        for _ in range(3):
            async with program.lock("job") as hold:
                numbers.append(hold.number)
    assert numbers == sorted(set(numbers))


async def test_an_uncontended_acquisition_is_one_round_trip(program: Coordination) -> None:
    """Fencing number included, once the epoch of the bucket is drawn."""
    async with program.lock("job"):
        pass
    asked: list[Any] = []
    answer = program.server._answer

    async def counted(words: Any) -> Any:
        asked.append(words[0])
        return await answer(words)

    program.server._answer = counted  # type: ignore[method-assign]
    hold = await program.lock("job").acquire()
    assert asked == ["EVALSHA"]
    await hold.release()
    assert asked == ["EVALSHA", "EVALSHA"]


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
    await eventually(lambda: _queue_length(program, 1), poll_seconds=0.01)
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
        await eventually(lambda p=program, n=number: _queue_length(p, n + 1), poll_seconds=0.005)
    await hold.release()
    await asyncio.gather(*tasks)
    assert order == list(range(10))


async def test_nobody_overtakes_those_who_wait(programs: Programs) -> None:
    """A lock that ran out is handed to the first in line, not to who happens to ask."""
    program, first, barger = programs(), programs(), programs()
    await program.lock("job", lease_seconds=30, extend=False).acquire()
    waiting = asyncio.create_task(first.lock("job").acquire())
    await eventually(lambda: _queue_length(program, 1), poll_seconds=0.005)
    await _delete(program, "job")
    with pytest.raises(LockBusyError):
        await barger.lock("job", wait_seconds=0).acquire()
    await (await waiting).release()


async def test_a_dead_waiter_holds_nobody_up_for_long(programs: Programs) -> None:
    """It is handed the lock, does not take it, and the next has it after the time to claim it."""
    program, last = programs(), programs()
    hold = await program.lock("job").acquire()
    dead = programs()
    waiting = asyncio.create_task(dead.lock("job").acquire())
    await eventually(lambda: _queue_length(program, 1), poll_seconds=0.005)
    await dead._wakeups.close()
    waiting.cancel()
    dead.server.run = _silence  # type: ignore[method-assign]
    await asyncio.wait([waiting])
    await hold.release()
    after = await last.lock("job", wait_seconds=6).acquire()
    await after.release()


async def _silence(*_: object) -> None:
    return None


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
    await _delete(program, "job")
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


async def test_a_release_with_a_wrong_token_is_refused(programs: Programs) -> None:
    program, other = programs(), programs()
    hold = await program.lock("job").acquire()
    await _delete(program, "job")
    after = await other.lock("job").acquire()
    with pytest.raises(LockLostError, match="taken"):
        await hold.release()
    assert await after.verify()
    await after.release()


async def test_a_second_release_does_nothing(programs: Programs) -> None:
    program, other = programs(), programs()
    hold = await program.lock("job").acquire()
    await hold.release()
    after = await other.lock("job", wait_seconds=0).acquire()
    await hold.release()
    assert await after.verify()
    assert not hold.is_held
    await after.release()


async def test_a_block_that_fails_releases(program: Coordination) -> None:
    with pytest.raises(ZeroDivisionError):
        async with program.lock("job"):
            raise ZeroDivisionError
    assert await _value(program, "job") is None


async def test_a_lock_object_in_use_is_not_entered_again(program: Coordination) -> None:
    lock = program.lock("job")
    async with lock:
        with pytest.raises(RuntimeError, match="one Lock for each task"):
            await lock.__aenter__()


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
    await _delete(program, "job")
    with pytest.raises(LockLostError, match="taken"):
        await asyncio.wait_for(task, 5)


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
    assert await _value(program, "job") is None


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
        await eventually(lambda: _queue_length(program, 1), poll_seconds=0.005)
        release = asyncio.create_task(hold.release())
        await asyncio.sleep(0.001)
        waiting.cancel()
        result = (await asyncio.gather(waiting, return_exceptions=True))[0]
        await release
        if isinstance(result, Hold):
            await result.release()
        async with third.lock("job", wait_seconds=1):
            pass


async def _queue_length(program: Coordination, wanted: int) -> bool:
    found = await program.server.command("ZCARD", program.keys.of("queue", "job"))
    return bool(found == wanted)
