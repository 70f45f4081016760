"""Reads that may be a little old."""

import asyncio
from datetime import date

from rollcall.coordination import Coordination
from tests.coordination.conftest import Programs
from tests.coordination.states import Claim


async def test_a_read_is_cached_until_it_is_invalidated(programs: Programs) -> None:
    loads: list[str] = []

    async def load(id_: str) -> Claim | None:
        loads.append(id_)
        if id_ == "none":
            return None
        return Claim(text=f"{id_} {len(loads)}", weight=1, due=date(2026, 1, 1))

    reads = [programs().cached_reads("claims", Claim, load, budget_seconds=5) for _ in range(2)]
    first = await reads[0].get("a")
    assert await reads[1].get("a") == first
    assert loads == ["a"]
    assert await reads[0].get("none") is None
    await reads[1].invalidate("a")
    assert await reads[0].get("a") != first


async def test_those_who_miss_together_load_once(program: Coordination) -> None:
    loads: list[str] = []

    async def load(id_: str) -> Claim:
        loads.append(id_)
        await asyncio.sleep(0.05)
        return Claim(text=id_, weight=1, due=date(2026, 1, 1))

    reads = program.cached_reads("claims", Claim, load, budget_seconds=5)
    await asyncio.gather(*(reads.get("a") for _ in range(20)))
    assert loads == ["a"]


async def test_what_was_invalidated_while_it_was_loaded_is_not_kept(programs: Programs) -> None:
    began, goes_on = asyncio.Event(), asyncio.Event()
    loads: list[str] = []

    async def load(id_: str) -> Claim:
        loads.append(id_)
        began.set()
        await goes_on.wait()
        return Claim(text=f"{len(loads)}", weight=1, due=date(2026, 1, 1))

    reads, other = (
        programs().cached_reads("claims", Claim, load, budget_seconds=5) for _ in range(2)
    )
    reading = asyncio.create_task(reads.get("a"))
    await began.wait()
    await other.invalidate("a")
    goes_on.set()
    await reading
    fresh = await other.get("a")
    assert fresh is not None
    assert fresh.text == "2"
