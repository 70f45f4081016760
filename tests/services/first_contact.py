"""A Kafka address that answers once: what is behind it cannot be reached again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def first_contact_only(address: str) -> AsyncIterator[str]:
    """An address that passes its first connection on to `address`, and hangs up on all others."""
    host, _, port = address.partition(":")
    contacts = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal contacts
        contacts += 1
        if contacts > 1:
            writer.close()
            return
        upstream = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_pump(reader, upstream[1]), _pump(upstream[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
