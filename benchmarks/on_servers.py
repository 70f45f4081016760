"""Servers of a benchmark's own, for as long as it runs."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from benchmarks.run import Conditions
from rollcall_cluster.embedded import EmbeddedServers
from rollcall_cluster.local.ending import end_on_signals, ignore_signals, signals_as_before

Benchmark = Callable[[Conditions], Coroutine[Any, Any, bool]]


def run_on_servers(benchmark: Benchmark, logs: Path | None) -> bool:
    """Run a benchmark on embedded servers of its own (or those that ROLLCALL_* name); all go at the end,
    however it ends.
    """
    with signals_as_before(), tempfile.TemporaryDirectory(prefix="rollcall-bench-") as name:
        end_on_signals()
        folder = Path(name)
        logs = logs or folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        servers = EmbeddedServers(folder / "servers")
        try:
            servers.start()
            return asyncio.run(benchmark(Conditions(servers, logs)))
        finally:
            ignore_signals()
            servers.wipe()
