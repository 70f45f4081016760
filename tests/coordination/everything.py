"""Each part of the coordination library, used once."""

import asyncio

from pydantic import BaseModel

from rollcall.coordination import Coordination, id_of


class Value(BaseModel):
    """Something to keep."""

    text: str


async def everything_works(program: Coordination) -> None:
    """Each part, once, with contention."""
    async with program.lock("job", wait_seconds=20) as hold:
        waiting = asyncio.create_task(program.lock("job", wait_seconds=20).acquire())
        assert await hold.verify()
        await hold.extend()
    await (await waiting).release()
    async with program.lock("id") as hold:
        store = program.state_store("states", Value)
        await store.save("id", Value(text="a"), version=0, hold=hold)
        assert await store.load("id")
        await store.delete("id")
    assert await program.failure_counter("steps", limit=9).count("item")
    await program.slot_pool("desks").fill(["a", "b"])
    assert await program.slot_pool("desks").assign("owner")
    marks = program.idempotency_filter("events")
    await marks.mark({id_of("a"): b"note"})
    assert await marks.look_up([id_of("a"), id_of("b")]) == {id_of("a"): b"note"}

    async def load(id_: str) -> Value:
        return Value(text=id_)

    reads = program.cached_reads("values", Value, load, budget_seconds=5)
    assert await reads.get("a") == await reads.get("a")
    assert await reads.invalidate("a")
