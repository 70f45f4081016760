"""Pools: one member for each owner."""

import asyncio

from rollcall.coordination import Coordination
from tests.coordination.conftest import Programs


async def test_a_pool_gives_each_owner_one_member_the_same_each_time(programs: Programs) -> None:
    pools = [programs().slot_pool("desks") for _ in range(4)]
    assert await pools[0].fill(f"desk-{n}" for n in range(30)) == 30
    members = await asyncio.gather(*(pools[n % 4].assign(f"owner-{n % 40}") for n in range(80)))
    by_owner: dict[int, set[str | None]] = {}
    for n, member in enumerate(members):
        by_owner.setdefault(n % 40, set()).add(member)
    given = [member for member in members[:40] if member is not None]
    assert len(set(given)) == len(given) == 30
    assert all(len(names) == 1 for names in by_owner.values())
    assert await pools[0].free() == 0


async def test_a_member_that_is_given_back_is_given_again(program: Coordination) -> None:
    pool = program.slot_pool("desks")
    await pool.fill(["only"])
    assert await pool.assign("a") == "only"
    assert await pool.assign("b") is None
    assert await pool.fill(["only"]) == 0
    assert await pool.give_back("a") == "only"
    assert await pool.give_back("a") is None
    assert await pool.assign("b") == "only"
    assert await pool.assigned() == {"b": "only"}
