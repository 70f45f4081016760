"""Commands of `rollcall bench` that start no servers: report, model and simulate."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import orjson
import typer
from rich.console import Console

from benchmarks import report
from benchmarks.model import report as model_report
from benchmarks.simulation.run import Size, show, simulate
from rollcall_cluster.options import Json

console = Console(width=120, soft_wrap=True)


def report_command(
    write: Annotated[
        bool, typer.Option("--write", help="Write table and pictures to docs/performance.md.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Targets, measurements and verdicts, from the newest raw results."""
    quiet = Console(quiet=True) if as_json else console
    verdicts = report.report(quiet, write=write)
    if as_json:
        names = ("what", "target", "measured", "verdict")
        rows = [dict(zip(names, verdict.row, strict=True)) for verdict in verdicts]
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())


def model_command(
    write: Annotated[
        bool, typer.Option("--write", help="Write it to docs/architecture/scaling.md.")
    ] = False,
) -> None:
    """Fit the costs of each stage to the newest raw results; predict, and say what growth needs."""
    right = model_report.model(console, write=write)
    raise typer.Exit(0 if right else 1)


def simulate_command(
    replicas: Annotated[int, typer.Option(min=10)] = Size().replicas,
    partitions: Annotated[int, typer.Option(min=10)] = Size().partitions,
    lanes: Annotated[int, typer.Option(min=1, max=64)] = Size().lanes,
    seed: int = Size().seed,
    as_json: Json = False,
) -> None:
    """A large deployment on the runtime's own decisions, without servers."""
    size = Size(replicas=replicas, partitions=partitions, lanes=lanes, seed=seed)
    outcome = asyncio.run(simulate(size))
    if as_json:
        typer.echo(orjson.dumps(asdict(outcome), option=orjson.OPT_INDENT_2).decode())
    else:
        show(console, outcome)
    raise typer.Exit(1 if outcome.violations else 0)
