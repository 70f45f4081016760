"""The table of docs/architecture/coordination.md: what each part does when Redis does not do well."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from rollcall.coordination import Coordination, Hold, id_of
from rollcall.errors import (
    CoordinationUnavailableError,
    FencedOutError,
    LockBusyError,
    LockLostError,
)
from tests.coordination.conftest import Programs
from tests.coordination.everything import Value
from tests.coordination.ledger import Ledger
from tests.coordination.own_servers import OwnRedis, OwnServers, append_only_file
from tests.coordination.troubles import TROUBLES, Trouble, out_of_memory
from tests.eventually import eventually

each_trouble = pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)


@pytest.fixture
def program(programs: Programs, own_redis: OwnRedis) -> Coordination:
    return programs(own_redis.address, answer_seconds=0.5)


async def _load(id_: str) -> Value:
    return Value(text=f"{id_} from the truth")


def _everything_that_writes(program: Coordination) -> list[Callable[[], Awaitable[object]]]:
    return [
        program.lock("job", wait_seconds=1).acquire,
        lambda: program.failure_counter("steps", limit=5).count("item"),
        lambda: program.state_store("states", Value).save("id", Value(text="a"), version=0),
        lambda: program.slot_pool("desks").fill(["a"]),
        lambda: program.idempotency_filter("events").mark({id_of("a"): b""}),
    ]


@each_trouble
async def test_connection_lost_and_regained(
    program: Coordination, own_redis: OwnRedis, trouble: Trouble
) -> None:
    """What needs Redis says so, and works again afterwards: the same objects, without a restart."""
    async with program.lock("warm"):
        pass
    async with trouble(own_redis):
        for attempt in _everything_that_writes(program):
            with pytest.raises(CoordinationUnavailableError):
                await attempt()

    async def works() -> bool:
        async with program.lock("job", wait_seconds=1, lease_seconds=1) as hold:
            return hold.is_held

    async def works_again() -> bool:
        try:
            return await works()
        except (CoordinationUnavailableError, LockBusyError):
            return False

    await eventually(works_again, message="locks are acquired again")
    assert await program.failure_counter("steps", limit=5).count("other item") == 1


@each_trouble
async def test_cached_reads_come_from_the_truth(
    program: Coordination, own_redis: OwnRedis, trouble: Trouble
) -> None:
    reads = program.cached_reads("values", Value, _load, budget_seconds=0.2)
    async with trouble(own_redis):
        for n in range(20):
            assert (await reads.get(f"{n}")) == Value(text=f"{n} from the truth")


async def _hold_in_trouble(
    program: Coordination, trouble: Callable[[], Awaitable[object]], lease_seconds: float = 3
) -> Hold:
    began = asyncio.Event()
    holds: list[Hold] = []

    async def work() -> None:
        async with program.lock("job", lease_seconds=lease_seconds) as hold:
            holds.append(hold)
            began.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(work())
    await began.wait()
    await trouble()
    with pytest.raises(LockLostError):
        await asyncio.wait_for(task, 10)
    return holds[0]


async def test_a_lock_held_while_redis_goes_down_is_lost(
    program: Coordination, own_redis: OwnRedis
) -> None:
    """Loss of the connection is loss of the lock, though its data may still be there."""

    async def kill() -> None:
        own_redis.kill()

    hold = await _hold_in_trouble(program, kill)
    assert hold.loss == "connection"
    assert not hold.is_held


async def test_a_lock_held_while_redis_is_slow_is_lost_before_another_can_have_it(
    program: Coordination, own_redis: OwnRedis
) -> None:
    async def freeze() -> None:
        own_redis.freeze()

    hold = await _hold_in_trouble(program, freeze)
    assert hold.loss in ("connection", "expired")


async def test_a_lock_held_while_redis_is_flushed_is_lost_at_its_next_extension(
    programs: Programs, own_redis: OwnRedis
) -> None:
    """Another may have it by then; its number is the larger one."""
    program, other = (programs(own_redis.address) for _ in range(2))
    numbers = []

    async def flush() -> None:
        await own_redis.ask("FLUSHALL")
        async with other.lock("job") as hold:
            numbers.append(hold.number)

    hold = await _hold_in_trouble(program, flush)
    assert hold.loss == "taken"
    assert numbers[0] > hold.number


async def test_a_lock_held_while_redis_becomes_read_only_is_lost(
    program: Coordination, own_redis: OwnRedis
) -> None:
    hold = await _hold_in_trouble(program, lambda: own_redis.ask("REPLICAOF", "127.0.0.1", "1"))
    assert hold.loss == "connection"


async def test_a_lock_held_while_redis_is_out_of_memory_is_kept_and_given_back(
    program: Coordination, own_redis: OwnRedis
) -> None:
    """Extending and releasing need no memory."""
    async with program.lock("job", lease_seconds=1.5) as hold, out_of_memory(own_redis):
        deadline = asyncio.get_running_loop().time() + 2.0
        await eventually(lambda: asyncio.get_running_loop().time() > deadline)
        assert hold.is_held
    assert await program.server.command("EXISTS", program.keys.of("lock", "job")) == 0


async def test_a_connection_that_is_cut_while_redis_lives_is_asked_for_anew(
    program: Coordination, own_redis: OwnRedis
) -> None:
    """Redis confirms over a new connection that the lock is there: then it is held."""
    async with program.lock("job", lease_seconds=3) as hold:
        for _ in range(3):
            await own_redis.ask("CLIENT", "KILL", "TYPE", "normal")
            assert await hold.verify() or not hold.is_held or await hold.verify()
            deadline = asyncio.get_running_loop().time() + 0.4
            await eventually(lambda d=deadline: asyncio.get_running_loop().time() > d)
        assert hold.is_held


async def test_numbers_grow_over_a_flush(
    program: Coordination, own_redis: OwnRedis, ledger: Ledger
) -> None:
    await _old_holder_is_refused(program, ledger, lambda: own_redis.ask("FLUSHALL"))


async def _old_holder_is_refused(
    program: Coordination, ledger: Ledger, lose_data: Callable[[], Awaitable[object]]
) -> None:
    old = await program.lock("job", lease_seconds=60, extend=False).acquire()
    await lose_data()
    new = await program.lock("job", lease_seconds=60, wait_seconds=0).acquire()
    assert new.number > old.number
    await ledger.write(new, "new")
    with pytest.raises(FencedOutError):
        await ledger.write(old, "old")
    assert await ledger.writers() == ["new"]
    assert not old.is_held


async def test_numbers_grow_over_the_loss_of_the_last_second_of_the_log(
    own_servers: OwnServers, programs: Programs, ledger: Ledger
) -> None:
    """What a power cut does to `appendfsync everysec`: the file ends a second earlier."""
    redis = own_servers.start(appendonly="yes", appendfsync="everysec")
    program = programs(redis.address)
    for _ in range(3):
        async with program.lock("job"):
            pass
    log = append_only_file(redis)
    size = log.stat().st_size

    async def lose_the_last_second() -> None:
        redis.kill()
        with log.open("r+b") as file:
            file.truncate(size)
        redis.start()

    before = await program.lock("other", lease_seconds=60).acquire()
    await _old_holder_is_refused(program, ledger, lose_the_last_second)
    assert not await before.verify()


async def test_a_restart_begins_a_new_life_though_nothing_is_lost(
    own_servers: OwnServers, programs: Programs
) -> None:
    redis = own_servers.start(appendonly="yes", appendfsync="always")
    program = programs(redis.address)
    async with program.lock("job") as first:
        pass
    redis.stop()
    redis.start()
    async with program.lock("job") as second:
        pass
    assert second.number >> 32 > first.number >> 32


async def _has_written_its_log(redis: OwnRedis) -> bool:
    """With `everysec` an answer may come before its bytes are written, while the disk is busy."""
    persistence = await redis.ask("INFO", "persistence")
    return persistence["aof_buffer_length"] == 0


async def test_rdb_and_aof_after_kill_9(own_servers: OwnServers, programs: Programs) -> None:
    """Nothing · what the last snapshot had · all that was answered, twice (the kernel has the bytes)."""
    modes = {
        "none": {"save": ""},
        "rdb": {"save": ""},
        "aof everysec": {"save": "", "appendonly": "yes", "appendfsync": "everysec"},
        "aof always": {"save": "", "appendonly": "yes", "appendfsync": "always"},
    }
    kept = {}
    for mode, settings in modes.items():
        redis = own_servers.start(**settings)
        store = programs(redis.address).state_store("states", Value)
        await store.save("early", Value(text="a"), version=0)
        if mode == "rdb":
            await redis.ask("SAVE")
        await store.save("late", Value(text="b"), version=0)
        if mode == "aof everysec":
            await eventually(partial(_has_written_its_log, redis))
        redis.kill()
        redis.start()
        kept[mode] = [id_ for id_ in ("early", "late") if await store.load(id_)]
    assert kept == {
        "none": [],
        "rdb": ["early"],
        "aof everysec": ["early", "late"],
        "aof always": ["early", "late"],
    }
