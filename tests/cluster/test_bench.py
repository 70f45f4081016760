"""`rollcall bench all --quick`: every measurement runs, and its answers are right."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = [sys.executable, "-c", "from rollcall_cluster.cli import main; main()"]
_QUICK_SECONDS = 900


@pytest.mark.long
@pytest.mark.timeout(_QUICK_SECONDS + 30)
def test_the_quick_program_measures_everything(tmp_path: Path) -> None:
    """At small sizes; the figures mean nothing, their presence does."""
    done = subprocess.run(
        [*_PROGRAM, "bench", "all", "--quick", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=_QUICK_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = {file.stem.split("-")[-1]: json.loads(file.read_text()) for file in tmp_path.iterdir()}
    measured = {"throughput", "ceilings", "latency", "endurance", "recovery", "idle", "profile"}
    assert found.keys() == measured
    for name, content in found.items():
        assert all(content["figures"].values()), f"{name} lacks figures"
        assert content["packages"]["rollcall"]
