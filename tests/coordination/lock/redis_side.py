"""What Redis has of a lock, and taking it away behind its holder's back."""

from typing import Any

from rollcall.coordination import Coordination, Hold


async def value_of(program: Coordination, hold_or_name: Hold | str) -> Any:
    """The token that holds a lock, None if it is free."""
    name = hold_or_name if isinstance(hold_or_name, str) else hold_or_name.name
    return await program.server.command("GET", program.keys.of("lock", name))


async def take_away(program: Coordination, name: str) -> None:
    """The lock is free, its holder is not told."""
    await program.server.command("DEL", program.keys.of("lock", name))


async def queue_is(program: Coordination, wanted: int) -> bool:
    """Whether so many wait for the lock `job`."""
    found = await program.server.command("ZCARD", program.keys.of("queue", "job"))
    return bool(found == wanted)
