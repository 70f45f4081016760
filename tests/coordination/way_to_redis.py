"""A way to Redis that lets connections in one by one, and resets them, as load balancers do with idle ones."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_RESET_WHEN_CLOSED = struct.pack("ii", 1, 0)


class WayToRedis:
    """Passes bytes on between clients and a server.

    Attributes:
        address: what clients connect to.
        came: how many have connected.
    """

    def __init__(self, port: int, *, admitted: int) -> None:
        self.address = ""
        self.came = 0
        self._port = port
        self._places = asyncio.Semaphore(admitted)
        self._clients: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    def admit(self, count: int) -> None:
        """Let so many more in; the others are connected and hear nothing."""
        for _ in range(count):
            self._places.release()

    def reset(self) -> None:
        """End every connection without a word of parting."""
        for client in self._clients:
            client.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _RESET_WHEN_CLOSED
            )
            client.transport.abort()
        self._clients.clear()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        self.came += 1
        self._clients[writer] = asyncio.create_task(self._pass_on(reader, writer))

    async def close(self) -> None:
        """Serve nobody any more."""
        tasks = list(self._clients.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._places.acquire()
            answers, server = await asyncio.open_connection("127.0.0.1", self._port)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pump(reader, server))
                tasks.create_task(_pump(answers, writer))
        finally:
            writer.close()
            self._clients.pop(writer, None)


@asynccontextmanager
async def way_to_redis(port: int, *, admitted: int = 1000) -> AsyncIterator[WayToRedis]:
    """Open one to a server on this machine; `admitted`: see `WayToRedis.admit`."""
    way = WayToRedis(port, admitted=admitted)
    server = await asyncio.start_server(way.accept, "127.0.0.1", 0)
    way.address = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    try:
        yield way
    finally:
        server.close()
        await way.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65_536):
            target.write(data)
    except OSError:
        pass
    finally:
        target.close()
