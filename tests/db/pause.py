"""Chunks that are held up where they are about to commit."""

import asyncio


class Pause:
    """Keeps a chunk's transaction open after its handlers until told to go on."""

    def __init__(self) -> None:
        self.inside, self.leave = asyncio.Event(), asyncio.Event()

    async def __call__(self, *_: object) -> None:
        self.inside.set()
        await self.leave.wait()
