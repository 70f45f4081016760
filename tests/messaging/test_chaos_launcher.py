"""The launcher of replicas under chaos: a clock that lies, connections that lead through proxies."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rollcall_cluster.chaos.launcher import CLOCK_VARIABLE, ROUTES_VARIABLE
from tests.eventually import DEADLINE_SECONDS

_CLOCK = """
import time, json
from datetime import UTC, datetime
import asyncpg, orjson
from pydantic import BaseModel, TypeAdapter

class Model(BaseModel):
    at: datetime

real = time.clock_gettime(time.CLOCK_REALTIME)
now = datetime.now(UTC)
print(json.dumps({
    "time": time.time() - real,
    "now": now.timestamp() - real,
    "ns": time.time_ns() / 1e9 - real,
    "monotonic": time.monotonic() - time.clock_gettime(time.CLOCK_MONOTONIC),
    "model": Model(at=now).at == now and Model.model_validate_json(Model(at=now).model_dump_json()).at == now,
    "orjson": orjson.dumps(now).decode()[:5],
    "instance": isinstance(now, datetime) and isinstance(datetime(2026, 1, 1, tzinfo=UTC), datetime),
}))
"""

_CONNECT = """
import asyncio, sys, uvloop

async def talk():
    reader, writer = await asyncio.open_connection("server.invalid", 1234)
    print((await reader.read(100)).decode(), end="")
    writer.close()

with asyncio.Runner(loop_factory=uvloop.new_event_loop if sys.argv[1] == "uvloop" else None) as runner:
    runner.run(talk())
"""

_COLLECT = """
import asyncio, gc, os, uvloop

class Ended(asyncio.Protocol):
    def __init__(self):
        self.ended = asyncio.get_running_loop().create_future()

    def eof_received(self):
        self.ended.set_result(None)
        return True

class Owner:
    def __init__(self, transport):
        self.transport, self.itself = transport, self

    def __del__(self):
        self.transport.close()

async def forget():
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(Ended, "server.invalid", 1234)
    await protocol.ended
    Owner(transport)
    del transport
    gc.collect()
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for each in opened:
        os.fstat(each)
    print("all open")

uvloop.run(forget())
"""


def _launched(tmp_path: Path, program: str, *arguments: str, **variables: str) -> str:
    (tmp_path / "probe.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "-m", "rollcall_cluster.chaos.launcher", "probe", *arguments],
        env={**os.environ, "PYTHONPATH": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("offset", [3600.0, -3600.0])
def test_the_clock_is_off_and_everything_still_understands_it(tmp_path: Path, offset: float):
    """Wall clocks move, the monotonic one does not, serialisers see nothing strange."""
    seen = json.loads(_launched(tmp_path, _CLOCK, **{CLOCK_VARIABLE: str(offset)}))
    for clock in ("time", "now", "ns"):
        assert seen[clock] == pytest.approx(offset, abs=5)
    assert seen["monotonic"] == pytest.approx(0, abs=1)
    assert seen["model"]
    assert seen["instance"]


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
@pytest.mark.parametrize("route", ["server.invalid:1234", "*"])
def test_connections_go_to_the_proxy_and_say_where_they_want_to_go(
    tmp_path: Path, loop: str, route: str
):
    """Names are the proxy's to resolve; `*` is for what has no route of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"asked for " + connection.makefile("rb").readline())

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        routes = json.dumps({route: listener.getsockname()[1]})
        said = _launched(tmp_path, _CONNECT, loop, **{ROUTES_VARIABLE: routes})
    finally:
        thread.join(10)
        listener.close()
    assert said == "asked for server.invalid 1234\n"


def test_a_forgotten_connection_closes_no_other_ones_descriptor(tmp_path: Path):
    """A transport and a socket that close the same number, one after the other, do."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept_and_end() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)

        ending = threading.Thread(target=accept_and_end, daemon=True)
        ending.start()
        routes = json.dumps({"*": server.getsockname()[1]})
        assert _launched(tmp_path, _COLLECT, **{ROUTES_VARIABLE: routes}) == "all open\n"
        ending.join(DEADLINE_SECONDS)
