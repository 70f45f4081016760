"""Gives each owner one member of a pool, in one step."""

from collections.abc import Iterable

from rollcall.coordination.keys import Keys
from rollcall.coordination.server import RedisServer, Script

_FILL = Script("fill.lua", repeatable=True)
_ASSIGN = Script("assign.lua", repeatable=True, in_order=True)
_GIVE_BACK = Script("give_back.lua", repeatable=True, in_order=True)


class SlotPool:
    """Members that are free or assigned, never both and never to two owners, as long as Redis keeps its data.

    For work that may be handed out twice after a failover. What may not belongs in PostgreSQL.
    """

    def __init__(self, server: RedisServer, keys: Keys, name: str) -> None:
        self._server = server
        self._pair = [keys.of("free", name), keys.of("assigned", name)]

    async def fill(self, members: Iterable[str]) -> int:
        """Add members; those that are in the pool or assigned stay as they are. Returns how many are new."""
        given = list(members)
        new: int = await self._server.run(_FILL, self._pair, *given) if given else 0
        return new

    async def assign(self, owner: str) -> str | None:
        """A member for `owner`: the one it holds, or any that is free; None if there is none."""
        return _text(await self._server.run(_ASSIGN, self._pair, owner))

    async def give_back(self, owner: str) -> str | None:
        """Make free what `owner` holds; returns it.

        Raises:
            CoordinationUnavailableError: Redis does not answer. It may still happen, for ten seconds, also to
                what the owner is assigned meanwhile: it had better not ask before.
        """
        return _text(await self._server.run(_GIVE_BACK, self._pair, owner))

    async def free(self) -> int:
        """Members nobody holds."""
        count: int = await self._server.command("SCARD", self._pair[0])
        return count

    async def assigned(self) -> dict[str, str]:
        """Members by owner."""
        found = await self._server.command("HGETALL", self._pair[1])
        if not isinstance(found, dict):  # the older protocol gives a flat list
            found = dict(zip(found[::2], found[1::2], strict=True))
        return {owner.decode(): member.decode() for owner, member in found.items()}


def _text(member: bytes | None) -> str | None:
    return member.decode() if member else None
