"""What cannot be had is said before the first test."""

import subprocess
import sys

import pytest

from rollcall_cluster.embedded.servers import KAFKA_VARIABLE, POSTGRES_VARIABLE, REDIS_VARIABLE
from tests.docker.engine import missing
from tests.fixtures.stack import Stack


def test_external_servers_must_all_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KAFKA_VARIABLE, "kafka:9092")
    monkeypatch.delenv(POSTGRES_VARIABLE, raising=False)
    monkeypatch.delenv(REDIS_VARIABLE, raising=False)
    with pytest.raises(pytest.UsageError, match=f"set {POSTGRES_VARIABLE}, {REDIS_VARIABLE}"):
        Stack.chosen("external")


def test_without_a_docker_command_containers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert missing() == "there is no docker command"
    with pytest.raises(pytest.UsageError, match="apt-get install docker"):
        Stack.chosen("docker")


def test_make_test_docker_ends_with_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.docker.engine"],
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "apt-get install docker" in done.stderr
