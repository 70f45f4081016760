"""Starts a replica in a world that chaos controls: its network leads through proxies, its clock may lie.

python -m rollcall_cluster.chaos.launcher MODULE [ARGUMENT...]

Only what is outside of the service is replaced: where its connections go, and what the clock says.
That works against any server, brokers that advertise addresses of their own included.
"""

import asyncio
import datetime
import json
import os
import runpy
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

ROUTES_VARIABLE = "ROLLCALL_CHAOS_ROUTES"
"""JSON: the local port of a proxy for each "host:port"; "*" stands for all others."""
CLOCK_VARIABLE = "ROLLCALL_CHAOS_CLOCK_OFFSET_SECONDS"

ANY = "*"


def main() -> None:
    """Change the world, then run the module as `python -m` would."""
    offset = float(os.environ.get(CLOCK_VARIABLE, "0"))
    if offset:
        shift_clock(offset)
    routes: dict[str, int] = json.loads(os.environ.get(ROUTES_VARIABLE, "{}"))
    if routes:
        route_connections(routes)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def shift_clock(offset_seconds: float) -> None:
    """Have this process believe that it is so much later. Call it before anything else is imported.

    The monotonic clock stays as it is, as when an administrator sets a machine's clock.
    """
    real_time, real_time_ns = time.time, time.time_ns
    offset = datetime.timedelta(seconds=offset_seconds)

    class Meta(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, _DATETIME)

    class Shifted(_DATETIME, metaclass=Meta):
        """What it returns is of the real class, which serialisers know."""

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return _DATETIME.now(tz) + offset

        @classmethod
        def utcnow(cls) -> Any:
            return _DATETIME.now(datetime.UTC).replace(tzinfo=None) + offset

    def shifted_time() -> float:
        return real_time() + offset_seconds

    def shifted_time_ns() -> int:
        return real_time_ns() + int(offset_seconds * 1e9)

    time.time, time.time_ns = shifted_time, shifted_time_ns
    datetime.datetime = Shifted  # type: ignore[misc]


_DATETIME = datetime.datetime


def route_connections(routes: dict[str, int]) -> None:
    """Lead every TCP connection of this process's event loops through the proxy of its target."""
    import uvloop

    for loop_class, takes_number in ((uvloop.Loop, True), (asyncio.BaseEventLoop, False)):
        routed = _routed(loop_class.create_connection, routes, takes_number)
        loop_class.create_connection = routed  # type: ignore[method-assign]


def preamble(host: str, port: int) -> bytes:
    """What a connection says first to a proxy: where it wants to go."""
    return f"{host} {port}\n".encode()


def _routed(
    create_connection: Callable[..., Any], routes: dict[str, int], takes_number: bool
) -> Callable[..., Any]:
    """A loop's `create_connection`, by way of proxies.

    With `takes_number`, its transports close a socket's descriptor by number. The socket object, when it is collected
    before a transport that is still to be closed, would close the same number, too: by then another connection's.
    """

    async def create_routed(
        loop: Any, factory: Any, host: str | None = None, port: int | None = None, **options: Any
    ) -> Any:
        if host is None or port is None:
            return await create_connection(loop, factory, host, port, **options)
        proxy = routes.get(f"{host}:{port}", routes.get(ANY))
        if proxy is None:
            return await create_connection(loop, factory, host, port, **options)
        if options.get("ssl"):
            options.setdefault("server_hostname", host)
        connection = await _connect(loop, proxy, preamble(host, port))
        try:
            return await create_connection(loop, factory, sock=connection, **options)
        finally:
            if takes_number:
                connection.detach()

    return create_routed


async def _connect(loop: Any, proxy_port: int, first_words: bytes) -> socket.socket:
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(connection, ("127.0.0.1", proxy_port))
        await loop.sock_sendall(connection, first_words)
    except BaseException:
        connection.close()
        raise
    return connection


if __name__ == "__main__":
    main()
