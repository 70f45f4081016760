"""How long `make demo` takes on a machine whose caches are warm."""

import subprocess
import time
from pathlib import Path

from rich.console import Console

from benchmarks import results
from benchmarks.errors import BenchmarkError
from benchmarks.summary import summarise

TARGET_SECONDS = 60.0
_LIMIT_SECONDS = 600
_ROOT = Path(__file__).parent.parent
_COMMAND = ("make", "--no-print-directory", "demo")


def benchmark(console: Console, rounds: int) -> bool:
    """Run the demo, first once to warm the caches; returns whether it stays below the target.

    Raises:
        BenchmarkError: there is no demo, or it failed.
    """
    if not (_ROOT / "Makefile").exists():
        raise BenchmarkError(f"{_ROOT} has no Makefile: run this from a checkout that has the demo")
    cold = _seconds()
    warm = [_seconds() for _ in range(rounds)]
    summary = summarise(warm)
    file = results.write("demo-time", {"first_seconds": cold, "figures": {"warm seconds": warm}})
    console.print(
        f"make demo: first run {cold:.1f} s, then median {summary.median:.1f} s"
        f" ({summary.lowest:.1f} to {summary.highest:.1f}), target {TARGET_SECONDS:.0f} s"
    )
    console.print(f"raw results: {file}", markup=False)
    return summary.median <= TARGET_SECONDS


def _seconds() -> float:
    started = time.perf_counter()
    try:
        result = subprocess.run(
            _COMMAND, cwd=_ROOT, capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchmarkError(f"{' '.join(_COMMAND)}: {error}") from error
    if result.returncode != 0:
        ending = (result.stdout + result.stderr)[-2000:]
        raise BenchmarkError(f"{' '.join(_COMMAND)} ended with {result.returncode}:\n{ending}")
    return time.perf_counter() - started
