"""Acquiring and giving back on one healthy server, without anybody in the way."""

import asyncio
from typing import Any

import pytest

from rollcall.coordination import Coordination
from rollcall.errors import LockLostError
from tests.coordination.conftest import Programs
from tests.coordination.lock.redis_side import take_away, value_of


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
            assert await value_of(program, hold) == hold.token.encode()
            tokens.add(hold.token)
    assert len(tokens) == 3
    assert await value_of(program, "job") is None


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


async def test_a_release_with_a_wrong_token_is_refused(programs: Programs) -> None:
    program, other = programs(), programs()
    hold = await program.lock("job").acquire()
    await take_away(program, "job")
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
    assert await value_of(program, "job") is None


async def test_a_lock_object_in_use_is_not_entered_again(program: Coordination) -> None:
    lock = program.lock("job")
    async with lock:
        with pytest.raises(RuntimeError, match="one Lock for each task"):
            await lock.__aenter__()
