"""The `rollcall` command, run as people run it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from rollcall_cluster.embedded import EmbeddedRedis, EmbeddedServers
from rollcall_cluster.embedded.processes import is_alive
from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.home import Home

_PROGRAM = [sys.executable, "-c", "from rollcall_cluster.cli import main; main()"]
_CLUSTER_COMMANDS = (
    "demo",
    "up",
    "status",
    "console",
    "logs",
    "scale",
    "kill",
    "env",
    "down",
    "chaos",
)
_COMMAND_SECONDS = 240

Rollcall = Callable[..., "subprocess.CompletedProcess[str]"]


def _environment(home: Path, **variables: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ROLLCALL_")}
    return {**inherited, "ROLLCALL_HOME": str(home), "COLUMNS": "200", **variables}


def _rollcall(environment: dict[str, str]) -> Rollcall:
    def run(*arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*_PROGRAM, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
        )
        assert done.returncode == expect, done.stderr
        return done

    return run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home without a cluster."""
    return tmp_path / "home"


@pytest.fixture
def embedded(home: Path) -> Iterator[Rollcall]:
    """The command on embedded servers of its own."""
    run = _rollcall(_environment(home))
    yield run
    run("down", "--wipe")


@pytest.fixture
def external(home: Path, service_environment: dict[str, str]) -> Iterator[Rollcall]:
    """The command on the run's servers, as if somebody else had started them."""
    run = _rollcall(_environment(home, **service_environment))
    yield run
    run("down", "--wipe")


def _instances(run: Rollcall) -> dict[str, dict[str, object]]:
    rows = json.loads(run("status", "--json").stdout)["instances"]
    return {row["instance"]: row for row in rows}


@pytest.mark.parametrize(
    "arguments", [["status"], ["logs"], ["scale", "2"], ["env"], ["kill", "els-1"]]
)
def test_without_a_cluster_the_remedy_is_told(home: Path, arguments: list[str]):
    """No traceback: what is missing, where it was looked for, and how to get it."""
    done = _rollcall(_environment(home))(*arguments, expect=1)
    assert done.stderr.startswith(f"rollcall: there is no cluster in {home}")
    assert "`rollcall up`" in done.stderr


def test_down_without_a_cluster_is_no_error(home: Path):
    """Nothing to do is done."""
    assert "nothing to stop" in _rollcall(_environment(home))("down").stdout


def test_help_lists_every_command_and_imports_none():
    """Looking at the help stays quick."""
    code = (
        "import sys\nfrom rollcall_cluster.cli import create_app\n"
        "try: create_app()(['--help'])\n"
        "except SystemExit: sys.exit('aiokafka' in sys.modules or 'psycopg' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for command in (
        *_CLUSTER_COMMANDS,
        "generate",
        "verify",
        "dlq",
        "topic",
        "position",
        "batch",
        "audit",
    ):
        assert re.search(rf"\b{command}\b", done.stdout)


@pytest.mark.parametrize("command", _CLUSTER_COMMANDS)
def test_every_command_has_help_with_examples(home: Path, command: str):
    """`rollcall COMMAND --help` shows how it is used."""
    shown = _rollcall(_environment(home))(command, "--help").stdout
    assert "Examples:" in shown
    assert f"rollcall {command}" in shown


def test_a_killed_replica_is_seen_and_brought_back(external: Rollcall):
    """up, kill, status, scale: a dead replica is shown as dead, then replaced on its port."""
    external("up", "--instances", "2")
    before = _instances(external)
    assert [row["health"] for row in before.values()] == ["ready", "ready"]

    external("kill", "els-2")
    dead = _instances(external)["els-2"]
    assert (dead["status"], dead["pid"]) == ("dead", None)

    external("scale", "2")
    after = _instances(external)
    assert after["els-1"]["pid"] == before["els-1"]["pid"]
    assert after["els-2"]["pid"] != before["els-2"]["pid"]
    assert after["els-2"]["port"] == before["els-2"]["port"]


def test_scaling_down_stops_the_last_replicas(external: Rollcall):
    """Surplus replicas leave cleanly and are no longer listed; logs name who wrote them."""
    external("up", "-n", "2")
    external("scale", "1")
    assert list(_instances(external)) == ["els-1"]
    assert external("logs", "-n", "5").stdout.startswith("els-1 | {")
    assert "there is no instance" in external("kill", "els-2", expect=1).stderr


def test_external_servers_are_used_and_left_alone(
    external: Rollcall, database: str, servers: EmbeddedServers
):
    """Nothing is embedded, `env` names the given addresses, and `down` stops only replicas."""
    external("up", "-n", "1")
    listed = json.loads(external("status", "--json").stdout)["servers"]
    assert {row["status"] for row in listed} == {"external"}
    exported = dict(
        shlex.split(line)[1].split("=", 1) for line in external("env").stdout.splitlines()
    )
    assert exported["ROLLCALL_POSTGRES_DSN"] == database
    external("down", "--wipe")
    with psycopg.connect(database) as connection:
        assert connection.execute("select count(*) from els.batch").fetchone() == (0,)
    assert servers.running


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["up", "-n", "1"], 1), (["demo"], 2), (["chaos"], 2), (["scenarios"], 1)],
)
def test_an_unreachable_kafka_is_told_with_a_remedy(
    home: Path, service_environment: dict[str, str], arguments: list[str], code: int
):
    """The variable to look at is named; no traceback."""
    nowhere = {**service_environment, "ROLLCALL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    done = _rollcall(_environment(home, **nowhere))(*arguments, expect=code)
    assert "Kafka cannot be reached at 127.0.0.1:1" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert arguments[0] == "up" or not home.exists()


@pytest.mark.parametrize("command", ["chaos", "scenarios"])
def test_a_report_that_could_not_be_written_is_refused_before_the_run(home: Path, command: str):
    """Not after an hour."""
    home.touch()
    done = _rollcall(_environment(home.parent / "none"))(command, "--out", str(home), expect=2)
    assert "cannot write there" in done.stderr
    assert not (home.parent / "none").exists()


def test_embedded_data_survives_down_and_goes_with_wipe(embedded: Rollcall, home: Path):
    """`down` keeps what `up` finds again; `down --wipe` leaves nothing."""
    embedded("up", "-n", "1")
    dsn = json.loads(embedded("env", "--json").stdout)["ROLLCALL_POSTGRES_DSN"]
    with psycopg.connect(dsn) as connection:
        connection.execute("create table kept ()")
    embedded("down")
    assert "there is no cluster" in embedded("status", expect=1).stderr

    embedded("up", "-n", "0")
    assert _instances(embedded) == {}
    with psycopg.connect(dsn) as connection:
        connection.execute("select from kept")
    embedded("down", "--wipe")
    assert not home.exists()


def test_exported_addresses_of_our_own_servers_do_not_make_them_external(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    """`eval "$(rollcall env)"`, `rollcall down`, `rollcall up` starts the same servers again."""
    redis = EmbeddedRedis(home / "servers" / "redis")
    redis.start()
    redis.stop()
    monkeypatch.setenv("ROLLCALL_REDIS_URL", redis.address)
    assert isinstance(LocalCluster(Home(home)).servers.redis, EmbeddedRedis)


def test_the_demo_proves_itself_and_leaves_nothing(home: Path):
    """A small one: events, a crash, an audit without violations, exit code 0, no directory."""
    demo = ["demo", "--batches", "40", "--slots", "20", "--rate", "400"]
    shown = _rollcall(_environment(home))(*demo).stdout
    assert "kill -9" in shown
    assert "0 violations" in shown
    assert "DIFFERS" not in shown
    assert not home.exists()


def test_on_servers_of_others_the_demo_keeps_to_itself(
    home: Path, service_environment: dict[str, str], database: str
):
    """It uses a schema and topics of its own, and deletes them."""
    demo = ["demo", "--batches", "20", "--slots", "10", "--rate", "200"]
    shown = _rollcall(_environment(home, **service_environment))(*demo).stdout
    assert "0 violations" in shown
    with psycopg.connect(database) as connection:
        schemas = connection.execute("select nspname from pg_namespace").fetchall()
        assert not [name for (name,) in schemas if name.startswith("rollcall_demo")]
        assert connection.execute("select count(*) from els.batch").fetchone() == (0,)


def test_ctrl_c_ends_the_demo_without_a_trace(home: Path):
    """Interrupted in the middle of its load, it stops and deletes everything."""
    demo = subprocess.Popen(
        [*_PROGRAM, "demo", "--batches", "10000"],
        env=_environment(home, PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    assert demo.stdout.readline().startswith("produced")
    processes = [psutil.Process(pid) for pid in _recorded_pids(home)]
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=_COMMAND_SECONDS)
    assert demo.returncode == 130
    assert len(processes) == 6
    assert not any(is_alive(process) for process in processes)
    assert not home.exists()


def _recorded_pids(home: Path) -> list[int]:
    files = [*home.rglob("state.json"), *home.rglob("els-*.json")]
    return [json.loads(file.read_text())["pid"] for file in files]
