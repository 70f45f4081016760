"""The commands of `rollcall bench`, or `python -m benchmarks`."""

import logging
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import (
    demo_time,
    endurance,
    idle,
    latency,
    memory,
    options,
    profiling,
    recovery,
    report,
    results,
    scaling,
    throughput,
)
from benchmarks.ceilings import benchmark as ceilings
from benchmarks.contestants import DEFAULT, PER_EVENT_EVENTS, parse_all
from benchmarks.coordination import run as coordination
from benchmarks.everything import measure_all
from benchmarks.on_servers import run_on_servers
from benchmarks.run import Conditions
from benchmarks.sized import sized
from benchmarks.sizes import FULL, QUICK
from benchmarks.without_servers import model_command, report_command, simulate_command
from rollcall_cluster.measuring.load import Load

_PREFIX = "rollcall-bench-quick-"
_EPILOG = """\
Examples:

  rollcall bench all                              the whole table, an hour and a half

  rollcall bench all --quick                      does everything run? two minutes

  rollcall bench throughput --contestant rollcall:1 --contestant streams:1

  rollcall bench throughput --contestant rollcall:1:skewed --rounds 5

  rollcall bench latency --peak 14000

  rollcall bench report --write                   the table and the pictures of the documentation

  rollcall bench simulate --replicas 1000         no servers, no network

Raw results are kept in benchmarks/results/, those of --quick elsewhere. Table and pictures are made from the
newest that were measured with default sizes. The servers are embedded ones unless ROLLCALL_* names others.
"""

app = typer.Typer(
    help="Measure Rollcall beside what a team would use instead, on servers of its own.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
console = Console(width=120, soft_wrap=True)


def bench_commands() -> typer.Typer:
    """The commands, for `rollcall bench`."""
    # Topics are used as soon as they are created: the client's retries until then are no news.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    return app


@app.command("all")
@sized
def all_command(
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes: does it all run?")] = False,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Interleaved repetitions, where there are any.")
    ] = None,
    patience: options.Patience = 60.0,
    attempts: options.Attempts = 3,
    write: Annotated[
        bool, typer.Option(help="Afterwards, write table and pictures to the documentation.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the raw results.",
            show_default="benchmarks/results, a new one in the temporary folder with --quick",
        ),
    ] = None,
    logs: options.Logs = None,
) -> None:
    """Everything, one after the other; ends with the table of targets."""
    if write and results.sizes_now() != results.FULL:
        raise typer.BadParameter("--write is for the full sizes: without --quick and --rounds")
    folder = out or (Path(tempfile.mkdtemp(prefix=_PREFIX)) if quick else results.RESULTS)
    console.print(f"raw results go to {folder}", markup=False)
    sizes = QUICK if quick else FULL
    if rounds is not None:
        sizes = replace(sizes, rounds=rounds, scaling_rounds=rounds)
    if quick:
        patience, attempts = 0, 1

    async def run(conditions: Conditions) -> bool:
        conditions = replace(
            conditions, patience_seconds=patience, attempts=attempts, tolerant=quick
        )
        return await measure_all(console, conditions, sizes)

    with results.kept_in(folder):
        right = run_on_servers(run, logs)
        if sizes.demo_rounds:
            right = demo_time.benchmark(console, sizes.demo_rounds) and right
    report.report(console, write=write, folder=folder, sizes=results.sizes_now())
    _finish(right)


@app.command("throughput")
@sized
def throughput_command(
    contestants: options.Contestants = list(DEFAULT),  # noqa: B006 - typer copies it
    batches: options.Batches = 200,
    slots: options.Slots = 500,
    rounds: options.Rounds = 3,
    per_event_events: options.PeerEvents = PER_EVENT_EVENTS,
    patience: options.Patience = 60.0,
    attempts: options.Attempts = 3,
    logs: options.Logs = None,
) -> None:
    """Events per second, end to end, in interleaved rounds."""
    chosen = parse_all(contestants, per_event_events)
    load = Load("main", batches, slots)

    async def run(conditions: Conditions) -> bool:
        conditions = replace(conditions, patience_seconds=patience, attempts=attempts)
        return await throughput.benchmark(console, conditions, chosen, load, rounds)

    _finish(run_on_servers(run, logs))


@app.command("ceilings")
@sized
def ceilings_command(
    batches: options.Batches = 100,
    slots: options.Slots = 500,
    rounds: options.Rounds = 3,
    logs: options.Logs = None,
) -> None:
    """Each stage alone: assignment SQL, commits, draining, producing, decoding, encoding."""
    load = Load("ceilings", batches, slots)

    async def run(conditions: Conditions) -> bool:
        return await ceilings.benchmark(console, conditions, load, rounds, ceilings.CHUNKS)

    _finish(run_on_servers(run, logs))


@app.command("latency")
@sized
def latency_command(
    seconds: Annotated[float, typer.Option(min=1, help="Of each rate in each round.")] = 30.0,
    peak: Annotated[
        float | None, typer.Option(min=1, help="Peak rate; measured if it is not given.")
    ] = None,
    replicas: Annotated[int, typer.Option(min=1, help="Of Rollcall.")] = 1,
    rounds: options.Rounds = 3,
    patience: options.Patience = 60.0,
    logs: options.Logs = None,
) -> None:
    """Produced to slot event readable, at 100 events/s and at half of the peak rate."""

    async def run(conditions: Conditions) -> bool:
        conditions = replace(conditions, patience_seconds=patience)
        return await latency.benchmark(console, conditions, seconds, rounds, peak, replicas)

    _finish(run_on_servers(run, logs))


@app.command("scaling")
@sized
def scaling_command(
    seconds: Annotated[float, typer.Option(min=5, help="Length of the steady state.")] = 30.0,
    share: Annotated[
        float, typer.Option(min=0.01, max=1, help="Share of a core for each replica.")
    ] = scaling.SHARE_OF_CORE,
    rounds: options.Rounds = 2,
    logs: options.Logs = None,
) -> None:
    """1, 3 and 5 replicas under equal small CPU quotas."""

    async def run(conditions: Conditions) -> bool:
        return await scaling.benchmark(console, conditions, seconds, rounds, share)

    _finish(run_on_servers(run, logs))


@app.command("memory")
@sized
def memory_command(rounds: options.Rounds = 3, logs: options.Logs = None) -> None:
    """Peak resident memory of a replica on small, many and large batches."""
    _finish(run_on_servers(lambda conditions: memory.benchmark(console, conditions, rounds), logs))


@app.command("endurance")
@sized
def endurance_command(
    filled: Annotated[
        int, typer.Option(min=500, help="Finished contents in the filled tables.")
    ] = FULL.filled_events,
    seconds: Annotated[
        float, typer.Option(min=0, help="How long a transaction is held open.")
    ] = FULL.held_seconds,
    batches: options.Batches = 100,
    slots: options.Slots = 500,
    logs: options.Logs = None,
) -> None:
    """Passes on fresh tables, on full ones, and beside a transaction that is held open."""
    load = Load("endurance", batches, slots)

    async def run(conditions: Conditions) -> bool:
        return await endurance.benchmark(console, conditions, load, filled, seconds)

    _finish(run_on_servers(run, logs))


@app.command("recovery")
@sized
def recovery_command(
    events: Annotated[int, typer.Option(min=500, help="The backlog.")] = FULL.backlog_events,
    rounds: options.Rounds = 1,
    logs: options.Logs = None,
) -> None:
    """A backlog that piled up while every replica was stopped."""
    peak, backlog = Load("peak", 100, 500), Load("backlog", max(1, events // 500), 500)

    async def run(conditions: Conditions) -> bool:
        return await recovery.benchmark(console, conditions, peak, backlog, rounds)

    _finish(run_on_servers(run, logs))


@app.command("idle")
@sized
def idle_command(
    seconds: Annotated[float, typer.Option(min=1, help="How long to look.")] = FULL.idle_seconds,
    rounds: options.Rounds = 3,
    logs: options.Logs = None,
) -> None:
    """CPU time, queries and Kafka requests of a replica that has nothing to do."""
    _finish(run_on_servers(lambda on: idle.benchmark(console, on, seconds, rounds), logs))


@app.command("coordination")
@sized
def coordination_command(rounds: options.Rounds = 3, logs: options.Logs = None) -> None:
    """Locks beside redis-py's, hand-overs among 100 contenders, the filter with and without."""
    _finish(
        run_on_servers(lambda conditions: coordination.benchmark(console, conditions, rounds), logs)
    )


@app.command("profile")
@sized
def profile_command(
    batches: options.Batches = 200,
    slots: options.Slots = 500,
    seconds: Annotated[float, typer.Option(min=1, help="Of each rate of the latency.")] = 30.0,
    logs: options.Logs = None,
) -> None:
    """Where a replica's CPU time goes, by stage: three workloads, half rate, 100 events/s."""
    load = Load("profile", batches, slots)

    async def run(conditions: Conditions) -> bool:
        return await profiling.benchmark(console, conditions, load, seconds)

    _finish(run_on_servers(run, logs))


@app.command("demo-time")
@sized
def demo_time_command(rounds: options.Rounds = 3) -> None:
    """Duration of `make demo` with warm caches."""
    _finish(demo_time.benchmark(console, rounds))


app.command("report")(report_command)
app.command("model")(model_command)
app.command("simulate")(simulate_command)


def _finish(right: bool) -> None:
    raise typer.Exit(0 if right else 1)
