"""A TCP proxy that can cut, slow down and silence what goes through it.

Our own and not Toxiproxy, so that `rollcall chaos` needs nothing but Python where it runs.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from enum import Enum
from types import TracebackType
from typing import Any, Self

_CALL_SECONDS = 10.0
_CONNECT_SECONDS = 10.0
_PIECE_BYTES = 65_536
# Closing sends RST and drops what was not sent yet.
_RESET = struct.pack("ii", 1, 0)


Address = tuple[str, int]


class Mode(Enum):
    """What becomes of bytes."""

    PASS = "pass"  # noqa: S105 - not a password
    DELAY = "delay"
    """Each piece waits."""
    CUT = "cut"
    """Connections are reset, new ones too."""
    SILENT = "silent"
    """Half-open: connections stay, nothing arrives any more, and nobody is told."""


class Link:
    """The way of one client to one server. Its connections say first where they want to go.

    A connection that was silent once stays silent: what it lost is lost.
    """

    def __init__(self) -> None:
        self.mode = Mode.PASS
        self.delay_seconds = 0.0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    @property
    def outgoing(self) -> set[Address]:
        """Our ends of the connections to the server, by which it knows them."""
        return {each.outgoing for each in tuple(self._connections) if each.outgoing is not None}

    async def open(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cut every connection and listen no more."""
        if self._server is not None:
            self._server.close()
        await self.set_mode(Mode.CUT)

    async def set_mode(self, mode: Mode, delay_seconds: float = 0.0) -> None:
        """Change what happens from now on, to connections that are open and to new ones."""
        self.mode, self.delay_seconds = mode, delay_seconds
        for connection in tuple(self._connections):
            if mode is Mode.CUT:
                connection.reset()
            elif mode is Mode.SILENT:
                connection.silent = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, reader, writer)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)


class _Connection:
    """One connection with its counterpart at the server."""

    def __init__(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.silent = link.mode is Mode.SILENT
        self._link = link
        self._reader = reader
        self._writer = writer
        self._server_writer: asyncio.StreamWriter | None = None
        self.outgoing: Address | None = None

    async def run(self) -> None:
        """Relay until either side ends."""
        try:
            if self._link.mode is Mode.CUT:
                return
            server_reader = await self._reach_server()
            assert self._server_writer is not None
            pumps = {
                asyncio.create_task(self._pump(self._reader, self._server_writer)),
                asyncio.create_task(self._pump(server_reader, self._writer)),
            }
            _, pending = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pending:
                pump.cancel()
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            return
        finally:
            self.reset()

    def reset(self) -> None:
        """End both sides at once."""
        for writer in (self._writer, self._server_writer):
            if writer is not None and not writer.is_closing():
                peer = writer.get_extra_info("socket")
                if peer is not None:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()

    async def _reach_server(self) -> asyncio.StreamReader:
        host, port = (await self._reader.readuntil(b"\n")).decode().split()
        while self.silent:
            # Whoever connects now waits until he gives up.
            if not await self._reader.read(_PIECE_BYTES):
                raise ConnectionError("the client gave up")
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, self._server_writer = await asyncio.open_connection(host, int(port))
        self.outgoing = self._server_writer.get_extra_info("sockname")[:2]
        return reader

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(_PIECE_BYTES):
                if self._link.mode is Mode.DELAY:
                    await asyncio.sleep(self._link.delay_seconds)
                if not self.silent:
                    writer.write(piece)
                    await writer.drain()
            # Half a close is passed on after what came before it.
            if not self.silent:
                await writer.drain()
        except OSError:
            return


class Proxies:
    """Links in a thread of their own: an audit that computes must not slow the network down."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._links: list[Link] = []

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cut everything and end the thread."""
        for link in self._links:
            self._call(link.close())
        self._call(_end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_SECONDS)
        self._loop.close()

    def open_link(self) -> Link:
        """Return a new link that listens."""
        link = Link()
        self._call(link.open())
        self._links.append(link)
        return link

    def set_mode(self, link: Link, mode: Mode, delay_seconds: float = 0.0) -> None:
        """Change what happens on a link; returns when it is in effect."""
        self._call(link.set_mode(mode, delay_seconds))

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_SECONDS)


async def _end_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
