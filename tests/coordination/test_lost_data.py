"""What each part but the lock knows after Redis has lost data: the rows of the table that lose some."""

from typing import NamedTuple

import pytest

from rollcall.coordination import Coordination, id_of
from rollcall.coordination.cached_reads import CachedReads
from tests.coordination.conftest import Programs
from tests.coordination.everything import Value
from tests.coordination.own_servers import OwnRedis, OwnServers, append_only_file, promote

NOTHING = (0, None, [], [])
FIRST_STEP = (1, "1", ["1"], ["1"])
BOTH_STEPS = (2, "2", ["1", "2"], ["1", "2"])


class Seen(NamedTuple):
    """What is there: attempts, the state, owners, marked ids."""

    attempts: int
    state: str | None
    owners: list[str]
    marked: list[str]


async def _step(program: Coordination, number: int) -> None:
    """Use each part once more."""
    await program.failure_counter("steps", limit=9).count("item")
    store = program.state_store("states", Value)
    await store.save("id", Value(text=f"{number}"), version=number - 1)
    pool = program.slot_pool("desks")
    await pool.fill(["a", "b"])
    assert await pool.assign(f"{number}")
    await program.idempotency_filter("events").mark({id_of(f"{number}"): b"note"})


async def _seen(program: Coordination) -> Seen:
    stored = await program.state_store("states", Value).load("id")
    found = await program.idempotency_filter("events").look_up([id_of("1"), id_of("2")])
    return Seen(
        await program.failure_counter("steps", limit=9).made("item"),
        stored.value.text if stored else None,
        sorted(await program.slot_pool("desks").assigned()),
        [text for text in ("1", "2") if id_of(text) in found],
    )


class Truth:
    """What is cached, and changes."""

    text = "1"

    async def load(self, _: str) -> Value:
        return Value(text=self.text)

    def reads(self, program: Coordination) -> CachedReads[Value]:
        return program.cached_reads("values", Value, self.load, budget_seconds=5)


@pytest.fixture
def truth() -> Truth:
    return Truth()


async def _text(truth: Truth, program: Coordination) -> str:
    value = await truth.reads(program).get("id")
    assert value is not None
    return value.text


async def test_flushed_all_start_anew_and_reads_are_loaded(
    own_redis: OwnRedis, programs: Programs, truth: Truth
) -> None:
    program = programs(own_redis.address)
    await _step(program, 1)
    await _step(program, 2)
    assert await _seen(program) == BOTH_STEPS
    assert await _text(truth, program) == "1"
    truth.text = "2"
    await own_redis.ask("FLUSHALL")
    assert await _seen(program) == NOTHING
    assert await _text(truth, program) == "2"
    await _step(program, 1)
    assert await _seen(program) == FIRST_STEP


async def test_without_the_last_second_of_the_log_all_are_one_second_back(
    own_servers: OwnServers, programs: Programs, truth: Truth
) -> None:
    """A value that was invalidated in that second is read as it was before."""
    redis = own_servers.start(appendonly="yes", appendfsync="everysec")
    program = programs(redis.address)
    await _step(program, 1)
    assert await _text(truth, program) == "1"
    log = append_only_file(redis)
    size = log.stat().st_size
    await _step(program, 2)
    truth.text = "2"
    await truth.reads(program).invalidate("id")
    redis.kill()
    with log.open("r+b") as file:
        file.truncate(size)
    redis.start()
    assert await _seen(program) == FIRST_STEP
    assert await _text(truth, program) == "1"


async def test_what_was_not_replicated_is_gone_on_the_promoted_side_and_lives_on_the_other(
    own_servers: OwnServers, programs: Programs, truth: Truth
) -> None:
    """Two masters have two versions of everything; the one that is given up takes its own with it."""
    master, replica = await own_servers.replicated()
    old_side, new_side = programs(master.address), programs(replica.address)
    await _step(old_side, 1)
    assert await _text(truth, old_side) == "1"
    async with old_side.lock("job"):
        pass
    assert await master.ask("WAIT", 1, 10_000) == 1
    await promote(replica)
    await _step(old_side, 2)
    truth.text = "2"
    await truth.reads(old_side).invalidate("id")
    assert await _seen(new_side) == FIRST_STEP
    assert await _seen(old_side) == BOTH_STEPS
    assert (await _text(truth, new_side), await _text(truth, old_side)) == ("1", "2")
