"""What `rollcall` deletes in a directory that others use, too: its own entries and nothing else."""

from pathlib import Path

import pytest

from rollcall_cluster.embedded import EmbeddedRedis
from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.local.home import Home
from tests.cluster.test_cluster_command import _environment, _rollcall

NOWHERE = {
    "ROLLCALL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "ROLLCALL_POSTGRES_DSN": "postgresql://nobody@127.0.0.1:1/nothing",
    "ROLLCALL_REDIS_URL": "redis://127.0.0.1:1/0",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory that somebody works in."""
    for name in (
        "main.py",
        "demo-20240101/cluster.md",
        "instances/els-1.json",
        "servers/redis/conf",
        "servers/notes",
    ):
        file = tmp_path / "project" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("precious")
    return tmp_path / "project"


def _files(directory: Path) -> set[str]:
    return {str(file.relative_to(directory)) for file in directory.rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    ("arguments", "code"), [(["down", "--wipe"], 0), (["demo"], 2), (["up", "-n", "0"], 1)]
)
def test_a_directory_of_others_survives_every_command(
    project: Path, arguments: list[str], code: int
):
    """`ROLLCALL_HOME=.` where somebody works: nothing that was there is missed."""
    before = _files(project)
    done = _rollcall(_environment(project, **NOWHERE))(*arguments, expect=code)
    assert "Traceback" not in done.stderr
    assert _files(project) == before


def _used(home: Home) -> EmbeddedRedis:
    redis = EmbeddedRedis(home.servers / "redis")
    with home.locked():
        redis.start()
    home.remember_cluster({}, {})
    for name in ("els-1.log", "els-1.json", "scaling-2-1.log"):
        (home.instances / name).write_text("{}")
    return redis


@pytest.mark.parametrize("earlier", [False, True], ids=["marked", "of an earlier version"])
def test_a_wipe_takes_all_that_is_ours_and_nothing_else(tmp_path: Path, earlier: bool):
    """What was there before the cluster, or was put beside it, stays."""
    home = Home(tmp_path)
    (tmp_path / "main.py").touch()
    redis = _used(home)
    (home.instances / "notes").touch()
    if earlier:
        (tmp_path / ".rollcall-home").unlink()
    LocalCluster(home).down(lambda _: None, wipe=True)
    assert redis.pid is None
    assert _files(tmp_path) == {"main.py", "instances/notes"}
    assert not home.servers.exists()


def test_data_that_an_earlier_version_kept_is_still_wiped(tmp_path: Path):
    """After its `down`, only its lock tells whose it is."""
    home = Home(tmp_path / "home")
    _used(home)
    LocalCluster(home).down(lambda _: None)
    (home.directory / ".rollcall-home").unlink()
    LocalCluster(home).down(lambda _: None, wipe=True)
    assert not home.directory.exists()


def test_servers_of_others_are_not_taken_over(project: Path):
    """Else they would be deleted with ours."""
    with pytest.raises(ClusterError, match="ROLLCALL_HOME"), Home(project).locked():
        pass


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path):
    """No traceback: a file is in the way."""
    (tmp_path / "file").touch()
    run = _rollcall(_environment(tmp_path / "file" / "home", **NOWHERE))
    for command, code in (("up", 1), ("demo", 2), ("chaos", 2), ("scenarios", 2)):
        done = run(command, expect=code)
        assert "ROLLCALL_HOME names another directory" in done.stderr
        assert "Traceback" not in done.stderr
