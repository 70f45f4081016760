"""Command line: `python -m benchmarks throughput|memory|demo-time|all`."""

import asyncio
import logging
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks import demo_time, memory, throughput
from benchmarks.contestants import DEFAULT, PER_EVENT_EVENTS, parse
from benchmarks.errors import BenchmarkError
from benchmarks.load import Load
from benchmarks.run import Conditions
from rollcall_cluster.embedded import EmbeddedServers

app = typer.Typer(
    help="Measure Rollcall beside what a team would use instead, on servers of its own.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
console = Console(width=120, soft_wrap=True)

Rounds = Annotated[int, typer.Option(min=1, help="Interleaved repetitions.")]
Contestants = Annotated[list[str], typer.Option("--contestant", help="KIND:REPLICAS; repeatable.")]
Batches = Annotated[int, typer.Option(min=1, help="Batches of a run.")]
Slots = Annotated[int, typer.Option(min=1, max=10_000, help="Slots of each batch.")]
PeerEvents = Annotated[int, typer.Option(min=1, help="Events for the slow peers.")]
Patience = Annotated[
    float, typer.Option(min=0, help="Most seconds to wait for a quiet machine before a start.")
]
Attempts = Annotated[int, typer.Option(min=1, help="Most runs of a round while others disturb it.")]
Logs = Annotated[Path | None, typer.Option(help="Keep the contestants' logs in this folder.")]

Benchmark = Callable[[Conditions], Coroutine[Any, Any, bool]]


@app.command("throughput")
def throughput_command(
    contestants: Contestants = list(DEFAULT),  # noqa: B006 - typer copies it
    batches: Batches = 100,
    slots: Slots = 500,
    rounds: Rounds = 3,
    per_event_events: PeerEvents = PER_EVENT_EVENTS,
    patience: Patience = 60.0,
    attempts: Attempts = 3,
    logs: Logs = None,
) -> None:
    """Events per second, end to end, in interleaved rounds."""
    chosen = [parse(name, per_event_events) for name in contestants]
    load = Load("main", batches, slots)

    async def run(conditions: Conditions) -> bool:
        conditions = replace(conditions, patience_seconds=patience, attempts=attempts)
        return await throughput.benchmark(console, conditions, chosen, load, rounds)

    _finish(_on_servers(run, logs))


@app.command("memory")
def memory_command(rounds: Rounds = 3, logs: Logs = None) -> None:
    """Peak resident memory of a replica on small, many and large batches."""
    _finish(_on_servers(lambda conditions: memory.benchmark(console, conditions, rounds), logs))


@app.command("demo-time")
def demo_time_command(rounds: Rounds = 3) -> None:
    """Duration of `make demo` with warm caches."""
    _finish(demo_time.benchmark(console, rounds))


@app.command("all")
def all_command(rounds: Rounds = 3, logs: Logs = None) -> None:
    """Everything, one after the other, with defaults."""
    chosen = [parse(name) for name in DEFAULT]
    load = Load("main", 100, 500)

    async def both(conditions: Conditions) -> bool:
        fast = await throughput.benchmark(console, conditions, chosen, load, rounds)
        return await memory.benchmark(console, conditions, rounds) and fast

    right = _on_servers(both, logs)
    _finish(demo_time.benchmark(console, rounds) and right)


def _on_servers(benchmark: Benchmark, logs: Path | None) -> bool:
    """Run a benchmark on embedded servers of its own (or those that ROLLCALL_* name)."""
    with _folder() as folder:
        logs = logs or folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        servers = EmbeddedServers(folder / "servers")
        try:
            servers.start()
            return asyncio.run(benchmark(Conditions(servers, logs)))
        finally:
            servers.wipe()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as name:
        yield Path(name)


def _finish(right: bool) -> None:
    raise typer.Exit(0 if right else 1)


def main() -> None:
    """Entry point."""
    # Topics are used as soon as they are created: the client's retries until then are no news.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        app()
    except BenchmarkError as error:
        console.print(f"[red]{error}")
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
