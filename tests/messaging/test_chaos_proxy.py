"""The proxy between replicas and servers: passes, delays, cuts, goes silent."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from rollcall_cluster.chaos.launcher import preamble
from rollcall_cluster.chaos.proxy import Link, Mode, Proxies
from tests.eventually import DEADLINE_SECONDS

_SECONDS = DEADLINE_SECONDS


@pytest.fixture
def proxies() -> Iterator[Proxies]:
    """A thread of proxies."""
    with Proxies() as started:
        yield started


@asynccontextmanager
async def _echo() -> AsyncIterator[int]:
    """A server that says what it hears."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1000):
                writer.write(data)
        except ConnectionError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class _Client:
    """A connection through a link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def through(cls, link: Link, port: int) -> "_Client":
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(preamble("127.0.0.1", port))
        return cls(reader, writer)

    async def ask(self, words: bytes, seconds: float = _SECONDS) -> bytes:
        self.writer.write(words)
        async with asyncio.timeout(seconds):
            return await self.reader.readexactly(len(words))


async def test_bytes_pass(proxies: Proxies):
    """Also many of them."""
    link = proxies.open_link()
    async with _echo() as port:
        client = await _Client.through(link, port)
        assert await client.ask(b"x" * 300_000) == b"x" * 300_000
        client.writer.close()


async def test_delayed_bytes_arrive_later(proxies: Proxies):
    """On their way there and back."""
    link = proxies.open_link()
    async with _echo() as port:
        client = await _Client.through(link, port)
        await client.ask(b"warm")
        proxies.set_mode(link, Mode.DELAY, 0.2)
        began = time.monotonic()
        assert await client.ask(b"late") == b"late"
        assert time.monotonic() - began >= 0.4
        client.writer.close()


async def test_a_cut_resets_what_is_open_and_what_comes_until_it_is_healed(proxies: Proxies):
    """Then new connections work again."""
    link = proxies.open_link()
    async with _echo() as port:
        client = await _Client.through(link, port)
        await client.ask(b"here")
        proxies.set_mode(link, Mode.CUT)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.ask(b"gone?")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await (await _Client.through(link, port)).ask(b"new?")
        proxies.set_mode(link, Mode.PASS)
        healed = await _Client.through(link, port)
        assert await healed.ask(b"back") == b"back"
        healed.writer.close()


async def test_a_half_open_connection_stays_and_says_nothing_even_when_the_network_is_back(
    proxies: Proxies,
):
    """Nobody is told: only the client's own time limit ends it."""
    link = proxies.open_link()
    async with _echo() as port:
        client = await _Client.through(link, port)
        await client.ask(b"here")
        proxies.set_mode(link, Mode.SILENT)
        with pytest.raises(TimeoutError):
            await client.ask(b"anybody?", seconds=0.2)
        proxies.set_mode(link, Mode.PASS)
        with pytest.raises(TimeoutError):
            await client.ask(b"now?", seconds=0.2)
        fresh = await _Client.through(link, port)
        assert await fresh.ask(b"back") == b"back"
        fresh.writer.close()
        client.writer.close()


async def test_the_end_of_a_connection_passes_to_the_other_side(proxies: Proxies):
    """A server that hangs up is seen by the client."""
    link = proxies.open_link()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    try:
        client = await _Client.through(link, server.sockets[0].getsockname()[1])
        async with asyncio.timeout(_SECONDS):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await client.reader.readexactly(1)
    finally:
        server.close()


def test_the_end_frees_the_ports():
    """Nothing listens any more."""
    with Proxies() as proxies:
        port = proxies.open_link().port
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)
