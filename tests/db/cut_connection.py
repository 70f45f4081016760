"""A TCP relay in front of PostgreSQL that loses the server's answer to a chosen statement."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class AnswerLoser:
    """Passes everything on, until `lose_answer` is set and an answer contains it: then it hangs up."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self.lose_answer: bytes | None = None
        self.lost = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection."""
        server_reader, server_writer = await asyncio.open_connection(*self._upstream)
        upward = asyncio.create_task(_pump(reader, server_writer))
        try:
            while data := await server_reader.read(65_536):
                if self.lose_answer and self.lose_answer in data:
                    self.lose_answer = None
                    self.lost += 1
                    return
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            upward.cancel()
            writer.close()
            server_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        return


@asynccontextmanager
async def answer_loser(dsn: str) -> AsyncIterator[tuple[AnswerLoser, str]]:
    """A relay, and the DSN that leads through it."""
    parts = urlsplit(dsn)
    relay = AnswerLoser(parts.hostname or "127.0.0.1", parts.port or 5432)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    user = f"{parts.username}@" if parts.username else ""
    try:
        yield relay, parts._replace(netloc=f"{user}127.0.0.1:{port}").geturl()
    finally:
        server.close()
