"""Embedded servers survive what happens to directories, processes and ports."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from rollcall_cluster.embedded import (
    EmbeddedKafka,
    EmbeddedPostgres,
    EmbeddedRedis,
    EmbeddedServer,
    EmbeddedServerError,
)
from tests.eventually import eventually

_EACH_SERVER = pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedKafka, EmbeddedRedis])
_QUICK_SERVERS = pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedRedis])

Kind = type[EmbeddedServer]


@pytest.fixture
def directory(tmp_path: Path):
    """A directory whose server does not outlive the test."""
    yield tmp_path / "server"
    EmbeddedRedis(tmp_path / "server").wipe()  # any kind: the state file says what runs


@_EACH_SERVER
def test_a_killed_server_comes_back_on_its_port(kind: Kind, directory: Path):
    """kill() leaves a stale state file and a data directory that needs recovery."""
    server = kind(directory)
    server.start()
    port = server.port
    server.kill()
    assert server.pid is None
    server.start()
    assert server.port == port
    assert server.answers()


@_QUICK_SERVERS
def test_a_running_server_is_adopted_not_started_twice(kind: Kind, directory: Path):
    """start() on a running server changes nothing, from any process."""
    first, second = kind(directory), kind(directory)
    first.start()
    second.start()
    assert second.pid == first.pid
    assert second.address == first.address


@_QUICK_SERVERS
def test_stop_is_idempotent_and_attach_sees_it(kind: Kind, directory: Path):
    """attach() gives the running server, and None once it is stopped."""
    kind(directory).start()
    attached = kind.attach(directory)
    assert attached is not None
    attached.stop()
    attached.stop()
    assert kind.attach(directory) is None


@_QUICK_SERVERS
def test_a_reused_pid_is_not_taken_for_the_server(kind: Kind, directory: Path):
    """The recorded pid belongs to another process by now: that one must be left alone."""
    server = kind(directory)
    server.start()
    server.kill()
    state_file = directory / "state.json"
    state = json.loads(state_file.read_text())
    state_file.write_text(json.dumps({**state, "pid": os.getpid()}))
    assert server.pid is None
    server.start()
    assert server.pid not in (None, os.getpid())


def test_postgres_starts_over_a_pid_file_whose_pid_was_reused(directory: Path):
    """PostgreSQL alone would refuse: the pid in its own pid file is alive and of its user."""
    server = EmbeddedPostgres(directory)
    server.start()
    server.kill()
    with _idle_process(server) as idle:
        pid_file = directory / "data" / "postmaster.pid"
        _, *rest = pid_file.read_text().splitlines(keepends=True)
        pid_file.write_text(f"{idle.pid}\n{''.join(rest)}")
        server.start()
        assert idle.poll() is None
        assert server.answers()


def _idle_process(server: EmbeddedServer) -> subprocess.Popen[bytes]:
    program = ["/bin/sh", "-c", "read _"]
    return subprocess.Popen(program, stdin=subprocess.PIPE, cwd="/", **server.account())


@_QUICK_SERVERS
def test_a_half_initialised_directory_is_initialised_again(kind: Kind, directory: Path):
    """A first start that died in the middle leaves only a partial data directory."""
    (directory / "data.partial" / "base").mkdir(parents=True)
    (directory / "state.json").write_text('{"pid": 1')
    server = kind(directory)
    server.start()
    assert server.answers()


@_QUICK_SERVERS
def test_a_port_that_was_taken_meanwhile_is_replaced(kind: Kind, directory: Path):
    """Without a wanted port, the server moves."""
    server = kind(directory)
    server.start()
    server.stop()
    old_port = server.port
    with socket.create_server(("127.0.0.1", old_port)):
        server.start()
        assert server.port != old_port


def test_a_wanted_port_that_is_taken_is_an_error_with_a_remedy(directory: Path):
    """Nobody wants a surprise port in place of the one asked for."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = EmbeddedRedis(directory, port=taken.getsockname()[1])
        with pytest.raises(EmbeddedServerError, match="it is taken") as caught:
            server.start()
    assert caught.value.remedy


def test_damaged_data_is_reported_with_the_end_of_the_log(directory: Path):
    """The error shows what the server itself said."""
    server = EmbeddedPostgres(directory)
    server.start()
    server.stop()
    (directory / "data" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedServerError, match="could not find the database system"):
        server.start()


def test_data_survives_a_kill(directory: Path):
    """What PostgreSQL has committed is there after SIGKILL."""
    server = EmbeddedPostgres(directory)
    server.start()
    with psycopg.connect(server.address) as connection:
        connection.execute("create table kept as select 1 as value")
    server.kill()
    server.start()
    with psycopg.connect(server.address) as connection:
        assert connection.execute("select value from kept").fetchone() == (1,)


@_QUICK_SERVERS
def test_the_callers_locale_does_not_reach_the_server(
    kind: Kind, directory: Path, monkeypatch: pytest.MonkeyPatch
):
    """A locale that the machine does not have, as ssh likes to bring along, is no obstacle."""
    monkeypatch.setenv("LC_ALL", "xx_YY.UTF-8")
    server = kind(directory)
    server.start()
    assert server.answers()


_OWNER = """
import sys
from pathlib import Path
from rollcall_cluster.embedded import EmbeddedRedis
server = EmbeddedRedis(Path(sys.argv[1]))
server.start(detached=sys.argv[2] == "detached")
print("started", flush=True)
sys.stdin.read()
"""


def _server_of_a_killed_owner(directory: Path, mode: str) -> psutil.Process:
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(directory), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"started\n"
        server = EmbeddedRedis.attach(directory)
        assert server is not None
        owner.send_signal(signal.SIGKILL)
    return psutil.Process(server.pid)


async def test_a_server_ends_with_an_owner_that_was_killed(directory: Path):
    """No server is left behind by kill -9 of the process that started it."""
    process = _server_of_a_killed_owner(directory, "owned")
    await eventually(lambda: not process.is_running())


def test_a_detached_server_outlives_its_starter(directory: Path):
    """Another process attaches to it and stops it."""
    _server_of_a_killed_owner(directory, "detached")
    attached = EmbeddedRedis.attach(directory)
    assert attached is not None
    assert attached.answers()
    attached.stop()
