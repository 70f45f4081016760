"""Where scenarios run, as the environment says it; what cannot run there says so."""

from pathlib import Path

import pytest
import typer

from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.measuring import quota
from rollcall_cluster.scenarios import command
from rollcall_cluster.scenarios.site import Servers, running_environment, servers_of
from tests.unit.scenarios import planted


@pytest.mark.parametrize(
    ("environment", "servers"),
    [
        ({}, Servers.EMBEDDED),
        ({"ROLLCALL_REDIS_URL": "redis://r"}, Servers.EMBEDDED),
        ({"ROLLCALL_POSTGRES_DSN": "postgresql://p"}, Servers.EXTERNAL),
        ({"ROLLCALL_KAFKA_BOOTSTRAP_SERVERS": "k:9092"}, Servers.EXTERNAL),
        (
            {"ROLLCALL_TEST_INSTANCES": "http://a", "ROLLCALL_POSTGRES_DSN": "postgresql://p"},
            Servers.COMPOSE,
        ),
    ],
)
def test_the_environment_says_where(environment: dict[str, str], servers: Servers) -> None:
    """Instances, servers, or neither."""
    assert servers_of(environment) is servers


def test_without_variables_the_rig_is_on_its_published_ports() -> None:
    """As the compose file publishes them."""
    found = running_environment({})
    rig = (Path(__file__).parents[3] / "docker-compose.distributed-test.yml").read_text()
    for variable, port in {
        "ROLLCALL_TEST_INSTANCES": "HTTP_PORT:-28080",
        "ROLLCALL_KAFKA_BOOTSTRAP_SERVERS": "KAFKA_PORT:-29092",
        "ROLLCALL_POSTGRES_DSN": "POSTGRES_PORT:-25432",
        "ROLLCALL_REDIS_URL": "REDIS_PORT:-26379",
    }.items():
        assert f"RIG_{port}" in rig
        assert port.rpartition("-")[2] in found[variable]
    assert running_environment({"RIG_HTTP_PORT": "81"})["ROLLCALL_TEST_INSTANCES"].endswith(":81")


def test_instances_without_servers_are_refused() -> None:
    """With what to set."""
    with pytest.raises(
        ClusterError, match="set ROLLCALL_KAFKA_BOOTSTRAP_SERVERS and ROLLCALL_POSTGRES"
    ):
        running_environment({"ROLLCALL_TEST_INSTANCES": "http://a"})


def test_a_machine_without_control_groups_says_why_and_what_helps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Instead of a figure of unlimited instances."""
    monkeypatch.setattr(quota, "_V1", tmp_path / "no" / "v1")
    monkeypatch.setattr(quota, "_V2", tmp_path / "no" / "v2")
    assert "run as root" in quota.why_no_quota()


def test_a_machine_with_control_groups_is_left_as_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The probe writes a limit and goes; a plain directory stands for the controller."""
    monkeypatch.setattr(quota, "_V1", tmp_path / "v1")
    monkeypatch.setattr(quota, "_V2", tmp_path)
    removed: list[Path] = []

    def remove(group: Path) -> None:
        removed.append(group)
        assert (group / "cpu.max").read_text() == "50000 100000"

    monkeypatch.setattr(Path, "rmdir", remove)
    assert quota.why_no_quota() == ""
    assert len(removed) == 1


def test_an_unknown_scenario_is_refused() -> None:
    """With the names there are."""
    with pytest.raises(typer.BadParameter, match="race_conditions"):
        command._chosen("races")


@pytest.mark.parametrize(
    ("rows", "scenario", "code"),
    [
        ((planted.GOOD,), "all", 0),
        ((planted.GOOD, planted.UNMEASURED), "scaling", 0),
        ((planted.UNMEASURED,), "all", 0),
        ((planted.UNMEASURED,), "scaling", 2),
        ((planted.SLOW,), "all", 1),
        ((planted.DOUBLE,), "scaling", 1),
    ],
)
def test_the_exit_code(rows: tuple, scenario: str, code: int) -> None:
    """One that was asked for by name and measured nothing has not passed."""
    assert command._exit_code(planted.run(*rows), scenario) == code
