"""Clusters that belong to one command: their names, and what becomes of them however it ends."""

import asyncio
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.ending import signals_as_before
from rollcall_cluster.local.home import Home
from rollcall_cluster.local.own_cluster import own_cluster, own_name
from tests.cluster.hang_up import heed_hang_up
from tests.cluster.test_cluster_command import _PROGRAM, _environment
from tests.cluster.test_home import NOWHERE
from tests.eventually import eventually

_COMMAND_SECONDS = 240
_DEMO = [*_PROGRAM, "demo", "--batches", "10000"]


@pytest.fixture(autouse=True)
def this_process_goes_on() -> Iterator[None]:
    """A cluster of our own changes what signals do, for the rest of its process."""
    with signals_as_before():
        yield


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home without a cluster."""
    return tmp_path / "home"


def _name_all(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def _name(home: Path) -> str:
    """What the only run in there calls its schema and topics."""
    (directory,) = home.glob("demo-*")
    return own_name(LocalCluster(Home(directory)))


async def _left(environment: dict[str, str], name: str) -> list[str]:
    """Schemas and topics of that run."""
    admin = AIOKafkaAdminClient(bootstrap_servers=environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"])
    await admin.start()
    try:
        topics = await admin.list_topics()
    finally:
        await admin.close()
    with psycopg.connect(environment["ROLLCALL_POSTGRES_DSN"]) as connection:
        schemas = [name for (name,) in connection.execute("select nspname from pg_namespace")]
    return [each for each in schemas + topics if each.startswith(name)]


def _wait_until_nothing_is_left(environment: dict[str, str], name: str) -> None:
    """A broker lists topics for a moment after their deletion."""

    async def nothing() -> bool:
        return await _left(environment, name) == []

    asyncio.run(eventually(nothing, message=f"nothing is called {name}*"))


def _begun(environment: dict[str, str], stderr: int) -> "subprocess.Popen[str]":
    """A demo in the middle of its load."""
    demo = subprocess.Popen(
        _DEMO,
        env={**environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        preexec_fn=heed_hang_up,
    )
    assert demo.stdout is not None
    assert demo.stdout.readline().startswith("produced")
    return demo


def test_two_runs_of_the_same_process_number_keep_apart(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    """As in two containers, where everybody is number 1: neither deletes what the other has."""
    _name_all(monkeypatch, {**NOWHERE, "ROLLCALL_HOME": str(home)})
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with own_cluster("demo-") as first, own_cluster("demo-") as second:
        assert own_name(first) != own_name(second)
        assert first.home.directory.exists()
        assert second.home.directory.exists()
    assert not home.exists()


def test_the_next_run_deletes_what_a_killed_one_left_on_servers_of_others(
    home: Path, service_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    """Schema, topics and folder, which alone knows their names."""
    demo = _begun(_environment(home, **service_environment), subprocess.DEVNULL)
    demo.kill()
    demo.communicate(timeout=_COMMAND_SECONDS)
    name = _name(home)
    assert asyncio.run(_left(service_environment, name))
    _name_all(monkeypatch, {**service_environment, "ROLLCALL_HOME": str(home)})
    with own_cluster("demo-"):
        _wait_until_nothing_is_left(service_environment, name)
    assert not home.exists()


def test_what_cannot_be_deleted_is_told_and_its_names_are_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The server may be back for the run after the next."""
    _name_all(monkeypatch, {**NOWHERE, "ROLLCALL_HOME": str(home)})
    left = Home(home / "demo-abc")
    names = {"ROLLCALL_DATABASE_SCHEMA": "rollcall_x", "ROLLCALL_TOPIC_PREFIX": "rollcall_x."}
    with left.owned():
        left.remember_cluster({**NOWHERE, **names}, NOWHERE)
    with own_cluster("demo-"):
        pass
    told = capsys.readouterr().err
    assert f"left by an earlier run, {left.directory} names it" in told
    assert "the schema rollcall_x may be left" in told
    assert "topics rollcall_x.* may be left at 127.0.0.1:1" in told
    assert left.environment["ROLLCALL_DATABASE_SCHEMA"] == "rollcall_x"


def test_a_cluster_that_was_brought_up_is_no_run_that_was_left(
    home: Path, service_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    """Whatever its directory is called."""
    _name_all(monkeypatch, {**service_environment, "ROLLCALL_HOME": str(home)})
    stays = Home(home / "demo-2024")
    with stays.locked():
        stays.remember_cluster(service_environment, service_environment)
    with own_cluster("demo-"):
        pass
    assert stays.has_cluster


def test_a_signal_ends_what_runs_but_no_callback_in_the_middle(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    """A client's that is left half done, and called again to close, may do anything."""
    _name_all(monkeypatch, {**NOWHERE, "ROLLCALL_HOME": str(home)})
    done: list[str] = []

    async def work() -> None:
        signal.raise_signal(signal.SIGTERM)
        done.append("the callback")
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            done.append("what was open")

    with pytest.raises(SystemExit) as ended, own_cluster("demo-"):
        asyncio.run(work())
    assert ended.value.code == 128 + signal.SIGTERM
    assert done == ["the callback", "what was open"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_ends_the_demo_without_a_trace(
    home: Path, service_environment: dict[str, str], number: signal.Signals
):
    """What it says meanwhile goes nowhere."""
    terminal, stderr = pty.openpty()
    demo = _begun(_environment(home, **service_environment), stderr)
    os.close(stderr)
    name = _name(home)
    if number is signal.SIGHUP:
        os.close(terminal)
    demo.send_signal(number)
    demo.communicate(timeout=_COMMAND_SECONDS)
    assert demo.returncode == 128 + number
    assert not home.exists()
    _wait_until_nothing_is_left(service_environment, name)
