"""A connection that ended before it could be kept alive says so as a lost connection, which blames no record."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
import uvloop

from rollcall.database.failures import Failure, classify
from rollcall.database.keepalive import keep_alive


async def _failure(was_looked_at: bool) -> Failure:
    with socket.create_server(("127.0.0.1", 0)) as server:
        _, writer = await asyncio.open_connection(*server.getsockname())
        if was_looked_at:
            writer.get_extra_info("socket")
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()
        with pytest.raises(OSError) as raised:
            keep_alive(SimpleNamespace(_transport=writer.transport))
        return classify(raised.value)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("was_looked_at", [False, True])
def test_a_connection_that_has_ended_is_no_fault_of_the_data(
    run: Callable[..., Any], was_looked_at: bool
) -> None:
    assert run(_failure(was_looked_at)) is Failure.INFRASTRUCTURE
