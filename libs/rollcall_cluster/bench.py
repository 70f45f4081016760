"""`rollcall bench`: finds the benchmarks, which are part of a source checkout and of no installation."""

import importlib
import sys
from pathlib import Path

import typer

from rollcall_cluster.local.errors import ClusterError

_CHECKOUT = Path(__file__).parents[2]


def bench_commands(checkout: Path = _CHECKOUT) -> typer.Typer:
    """The commands of the benchmarks.

    Raises:
        ClusterError: Rollcall is installed without its sources.
    """
    if not (checkout / "benchmarks" / "command.py").exists():
        raise ClusterError(
            f"{checkout} has no benchmarks: Rollcall is installed without its sources",
            "clone the repository and run `make bench`, or `rollcall bench` from its .venv",
        )
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))
    command = importlib.import_module("benchmarks.command")
    app: typer.Typer = command.bench_commands()
    return app
