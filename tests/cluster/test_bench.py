"""`rollcall bench all --quick`: every measurement runs, and its answers are right; a signal leaves nothing behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.cluster.hang_up import heed_hang_up
from tests.eventually import eventually

_PROGRAM = [sys.executable, "-c", "from rollcall_cluster.cli import main; main()"]
_QUICK_SECONDS = 900
_END_SECONDS = 60


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


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_measurement_without_a_trace(
    tmp_path: Path, number: signal.Signals
) -> None:
    """No folder, no server, no replica."""
    bench = subprocess.Popen(
        [*_PROGRAM, "bench", "idle", "--seconds", "600"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=heed_hang_up,
    )

    def measures() -> bool:
        return bench.poll() is not None or any(tmp_path.glob("rollcall-bench-*/logs/*"))

    try:
        asyncio.run(eventually(measures, message="a replica is started"))
        assert bench.poll() is None
        started = psutil.Process(bench.pid).children(recursive=True)
        bench.send_signal(number)
        bench.wait(_END_SECONDS)
    finally:
        bench.kill()
        bench.wait()
    assert bench.returncode == 128 + number
    assert started
    assert not psutil.wait_procs(started, _END_SECONDS)[1]
    assert not list(tmp_path.glob("rollcall-bench-*"))
