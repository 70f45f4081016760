"""`rollcall bench` finds the benchmarks of its checkout, and says what it needs without one."""

from pathlib import Path

import pytest
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
