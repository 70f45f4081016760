"""Counts the round trips between a client and PostgreSQL, on the wire, whatever the driver does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

_READ_BYTES = 65_536


class RoundTrips:
    """`count` grows whenever a client sends after it has received."""

    def __init__(self) -> None:
        self.count = 0
        self.broken = 0

    async def serve(
        self, client: asyncio.StreamReader, answer: asyncio.StreamWriter, host: str, port: int
    ) -> None:
        """Pass one connection on to the server, which may listen on a socket in a folder."""
        if host.startswith("/"):
            way = asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            way = asyncio.open_connection(host, port)
        from_server, to_server = await way
        turn = _Turn()
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass(client, to_server, turn, to_the_server=True))
                ways.create_task(self._pass(from_server, answer, turn, to_the_server=False))
        except* OSError:
            self.broken += 1
        finally:
            to_server.close()
            answer.close()

    async def _pass(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        turn: "_Turn",
        *,
        to_the_server: bool,
    ) -> None:
        while data := await source.read(_READ_BYTES):
            self.count += to_the_server and not turn.client_spoke_last
            turn.client_spoke_last = to_the_server
            target.write(data)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()


class _Turn:
    """Who spoke last on a connection."""

    client_spoke_last = False


@asynccontextmanager
async def counted(dsn: str) -> AsyncIterator[tuple[str, RoundTrips]]:
    """A DSN that leads through the counter, and the counter."""
    address = urlsplit(dsn)
    host = address.hostname or parse_qs(address.query)["host"][0]
    port = address.port or 5432
    trips = RoundTrips()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await trips.serve(reader, writer, host, port)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    own_port = server.sockets[0].getsockname()[1]
    user = f"{address.username}{f':{address.password}' if address.password else ''}@"
    through = address._replace(netloc=f"{user}127.0.0.1:{own_port}").geturl()
    try:
        yield through, trips
    finally:
        server.close()
