"""`rollcall chaos`, run as people run it, on servers that are not its own."""

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import psutil
import psycopg
import pytest

from rollcall_cluster.embedded.processes import is_alive
from tests.eventually import DEADLINE_SECONDS, eventually

_PROGRAM = [sys.executable, "-c", "from rollcall_cluster.cli import main; main()", "chaos"]
_SMALL = ["--instances", "2", "--rate", "300", "--session-seconds", "3", "--seed", "5"]
_COMMAND_SECONDS = 240


@pytest.fixture
def environment(tmp_path: Path, service_environment: dict[str, str]) -> dict[str, str]:
    """The run's servers, as if somebody else had started them."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ROLLCALL_")}
    home = {"ROLLCALL_HOME": str(tmp_path / "home"), "COLUMNS": "200"}
    return {**inherited, **service_environment, **home}


def _schemas(environment: dict[str, str]) -> set[str]:
    with psycopg.connect(environment["ROLLCALL_POSTGRES_DSN"]) as connection:
        rows = connection.execute("SELECT nspname FROM pg_namespace").fetchall()
    return {row[0] for row in rows}


@pytest.mark.long
def test_a_few_faults_do_no_harm_and_leave_nothing_behind(
    tmp_path: Path, environment: dict[str, str]
):
    """Killed replicas, a cut network, ended sessions; what would hurt others is left out."""
    faults = ["kill-one", "kill-at", "cut-kafka", "postgres-terminate", "kafka-crash"]
    chosen = [word for fault in faults for word in ("--fault", fault)]
    before = _schemas(environment)
    done = subprocess.run(
        [*_PROGRAM, *_SMALL, *chosen, "--json", "--out", str(tmp_path / "out")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_COMMAND_SECONDS,
    )
    result = json.loads(done.stdout)
    assert result["violations"] == 0, done.stdout
    assert {fault["name"] for fault in result["faults"]} == {*faults[:4]}
    assert not [fault["problem"] for fault in result["faults"] if fault["problem"]]
    assert [each["idle"] for each in result["rounds"]] == [[]]
    assert result["rounds"][0]["records"] > 3_000
    assert result["left_out"] == [
        {"name": "kafka-crash", "reason": "kafka is not ours: it would hurt others"}
    ]
    assert done.returncode == (0 if result["ok"] else 1)
    assert json.loads((tmp_path / "out" / "chaos.json").read_text()) == result
    ElementTree.parse(tmp_path / "out" / "timeline.svg")
    assert "| kill-one | 1 |" in (tmp_path / "out" / "chaos.md").read_text()
    assert _schemas(environment) == before
    assert not (tmp_path / "home").exists()


async def test_ctrl_c_ends_it_in_order(tmp_path: Path, environment: dict[str, str]):
    """The fault at hand is finished and audited, the rest is not begun, and nothing stays."""
    log_file = tmp_path / "chaos.log"
    with log_file.open("wb") as log:
        chaos = psutil.Popen(
            [*_PROGRAM, *_SMALL, "--fault", "redis-flush", "--fault", "hiccup", "--faults", "50"],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        await eventually(
            lambda: "1: hiccup" in log_file.read_text(), deadline_seconds=60, message="a fault"
        )
        started = chaos.children(recursive=True)
        chaos.send_signal(signal.SIGINT)
        assert chaos.wait(timeout=DEADLINE_SECONDS) == 130, log_file.read_text()
    finally:
        if chaos.is_running():
            chaos.kill()
    assert "Interrupted. 0 violations in 1 audits" in log_file.read_text()
    # Guards of ended processes look once a second.
    await eventually(lambda: not [process for process in started if is_alive(process)])
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--fault", "earthquake"], 2, "no fault 'earthquake'"),
        (["--fault", "kafka-crash"], 2, "none of these faults can be inflicted here"),
    ],
)
def test_what_cannot_be_run_is_told(
    environment: dict[str, str], arguments: list[str], code: int, told: str
):
    """Exit code 2, and why."""
    done = subprocess.run(
        [*_PROGRAM, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_COMMAND_SECONDS,
    )
    assert done.returncode == code
    assert told in done.stderr


def test_the_faults_can_be_listed():
    """With what each would break for others."""
    done = subprocess.run(
        [*_PROGRAM, "--list", "--json"], capture_output=True, text=True, check=True, timeout=60
    )
    faults = {fault["name"]: fault for fault in json.loads(done.stdout)}
    assert faults["kafka-pause"]["breaks"] == ["kafka"]
    assert faults["kill-one"]["breaks"] == []
