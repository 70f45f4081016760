"""`rollcall bench` finds the benchmarks of its checkout, and says what it needs without one."""

import tempfile
from pathlib import Path

import pytest
import typer
from benchmarks import command, results
from typer.testing import CliRunner

from rollcall_cluster.bench import bench_commands
from rollcall_cluster.local.errors import ClusterError


def test_the_commands_are_those_of_the_checkout() -> None:
    """With examples."""
    result = CliRunner().invoke(bench_commands(), ["--help"])
    assert result.exit_code == 0
    assert "rollcall bench all --quick" in result.output


def test_without_a_checkout_the_remedy_is_named(tmp_path: Path) -> None:
    """An installation has no benchmarks."""
    with pytest.raises(ClusterError, match="clone the repository"):
        bench_commands(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "sizes"),
    [
        (["idle"], "full"),
        (["idle", "--seconds", "30", "--logs", "logs"], "full"),
        (["idle", "--seconds", "3"], "custom"),
        (["throughput", "--patience", "0", "--attempts", "1"], "full"),
        (["throughput", "--contestant", "rollcall:1"], "custom"),
        (["latency", "--peak", "14000"], "custom"),
        (["all", "--out", "results"], "full"),
        (["all", "--quick"], "quick"),
        (["all", "--rounds", "1"], "custom"),
    ],
)
def test_results_are_marked_with_the_sizes_that_were_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], sizes: str
) -> None:
    """What has its default, or says nothing of sizes, leaves them full."""
    seen: list[str] = []

    def run_on_servers(*_: object) -> bool:
        seen.append(results.sizes_now())
        raise typer.Exit

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(command, "run_on_servers", run_on_servers)
    result = CliRunner().invoke(bench_commands(), arguments)
    assert (result.exit_code, seen) == (0, [sizes]), result.output


def test_a_quick_run_keeps_its_results_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And says where."""

    def run_on_servers(*_: object) -> bool:
        results.write("idle", {"figures": {}})
        return True

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(command, "run_on_servers", run_on_servers)
    before = set(results.RESULTS.iterdir())
    result = CliRunner().invoke(bench_commands(), ["all", "--quick"])
    assert result.exit_code == 0, result.output
    (folder,) = tmp_path.iterdir()
    assert f"raw results go to {folder}" in result.output
    assert [file.suffix for file in folder.iterdir()] == [".json"]
    assert set(results.RESULTS.iterdir()) == before


@pytest.mark.parametrize("smaller", [["--quick"], ["--rounds", "1"]])
def test_only_full_sizes_are_written_to_the_documentation(smaller: list[str]) -> None:
    """Before anything is measured."""
    result = CliRunner().invoke(bench_commands(), ["all", "--write", *smaller])
    assert result.exit_code == 2
