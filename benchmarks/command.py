"""The commands of `rollcall bench`, or `python -m benchmarks`."""

import asyncio
import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from benchmarks import (
    demo_time,
    endurance,
    idle,
    latency,
    memory,
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
from benchmarks.model import report as model_report
from benchmarks.on_servers import run_on_servers
from benchmarks.run import Conditions
from benchmarks.simulation.run import Size, show, simulate
from benchmarks.sizes import FULL, QUICK
from rollcall_cluster.measuring.load import Load

_EPILOG = """\
Examples:

  rollcall bench all                              the whole table, an hour and a half

  rollcall bench all --quick                      does everything run? two minutes

  rollcall bench throughput --contestant rollcall:1 --contestant streams:1

  rollcall bench throughput --contestant rollcall:1:skewed --rounds 5

  rollcall bench latency --peak 14000

  rollcall bench report --write                   the table and the pictures of the documentation

  rollcall bench simulate --replicas 1000         no servers, no network

Raw results are kept in benchmarks/results/. The servers are embedded ones unless ROLLCALL_* names others.
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

Rounds = Annotated[int, typer.Option(min=1, help="Interleaved repetitions.")]
Contestants = Annotated[
    list[str], typer.Option("--contestant", help="KIND:REPLICAS[:WORKLOAD]; repeatable.")
]
Batches = Annotated[int, typer.Option(min=1, help="Batches of a run.")]
Slots = Annotated[int, typer.Option(min=1, max=10_000, help="Slots of each batch.")]
PeerEvents = Annotated[int, typer.Option(min=1, help="Events for the slow peers.")]
Patience = Annotated[
    float, typer.Option(min=0, help="Most seconds to wait for a quiet machine before a start.")
]
Attempts = Annotated[int, typer.Option(min=1, help="Most runs of a round while others disturb it.")]
Logs = Annotated[Path | None, typer.Option(help="Keep the contestants' logs in this folder.")]


def bench_commands() -> typer.Typer:
    """The commands, for `rollcall bench`."""
    # Topics are used as soon as they are created: the client's retries until then are no news.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    return app


@app.command("all")
def all_command(
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes: does it all run?")] = False,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Interleaved repetitions, where there are any.")
    ] = None,
    patience: Patience = 60.0,
    attempts: Attempts = 3,
    write: Annotated[
        bool, typer.Option(help="Afterwards, write table and pictures to the documentation.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for the raw results.")] = results.RESULTS,
    logs: Logs = None,
) -> None:
    """Everything, one after the other; ends with the table of targets."""
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

    with results.kept_in(out):
        right = run_on_servers(run, logs)
        if sizes.demo_rounds:
            right = demo_time.benchmark(console, sizes.demo_rounds) and right
    report.report(console, write=write, folder=out)
    _finish(right)


@app.command("throughput")
def throughput_command(
    contestants: Contestants = list(DEFAULT),  # noqa: B006 - typer copies it
    batches: Batches = 200,
    slots: Slots = 500,
    rounds: Rounds = 3,
    per_event_events: PeerEvents = PER_EVENT_EVENTS,
    patience: Patience = 60.0,
    attempts: Attempts = 3,
    logs: Logs = None,
) -> None:
    """Events per second, end to end, in interleaved rounds."""
    chosen = parse_all(contestants, per_event_events)
    load = Load("main", batches, slots)

    async def run(conditions: Conditions) -> bool:
        conditions = replace(conditions, patience_seconds=patience, attempts=attempts)
        return await throughput.benchmark(console, conditions, chosen, load, rounds)

    _finish(run_on_servers(run, logs))


@app.command("ceilings")
def ceilings_command(
    batches: Batches = 100, slots: Slots = 500, rounds: Rounds = 3, logs: Logs = None
) -> None:
    """Each stage alone: assignment SQL, commits, draining, producing, decoding, encoding."""
    load = Load("ceilings", batches, slots)

    async def run(conditions: Conditions) -> bool:
        return await ceilings.benchmark(console, conditions, load, rounds, ceilings.CHUNKS)

    _finish(run_on_servers(run, logs))


@app.command("latency")
def latency_command(
    seconds: Annotated[float, typer.Option(min=1, help="Of each rate in each round.")] = 30.0,
    peak: Annotated[
        float | None, typer.Option(min=1, help="Peak rate; measured if it is not given.")
    ] = None,
    replicas: Annotated[int, typer.Option(min=1, help="Of Rollcall.")] = 1,
    rounds: Rounds = 3,
    patience: Patience = 60.0,
    logs: Logs = None,
) -> None:
    """Produced to slot event readable, at 100 events/s and at half of the peak rate."""

    async def run(conditions: Conditions) -> bool:
        conditions = replace(conditions, patience_seconds=patience)
        return await latency.benchmark(console, conditions, seconds, rounds, peak, replicas)

    _finish(run_on_servers(run, logs))


@app.command("scaling")
def scaling_command(
    seconds: Annotated[float, typer.Option(min=5, help="Length of the steady state.")] = 30.0,
    share: Annotated[
        float, typer.Option(min=0.01, max=1, help="Share of a core for each replica.")
    ] = scaling.SHARE_OF_CORE,
    rounds: Rounds = 2,
    logs: Logs = None,
) -> None:
    """1, 3 and 5 replicas under equal small CPU quotas."""

    async def run(conditions: Conditions) -> bool:
        return await scaling.benchmark(console, conditions, seconds, rounds, share)

    _finish(run_on_servers(run, logs))


@app.command("memory")
def memory_command(rounds: Rounds = 3, logs: Logs = None) -> None:
    """Peak resident memory of a replica on small, many and large batches."""
    _finish(run_on_servers(lambda conditions: memory.benchmark(console, conditions, rounds), logs))


@app.command("endurance")
def endurance_command(
    filled: Annotated[
        int, typer.Option(min=500, help="Finished contents in the filled tables.")
    ] = FULL.filled_events,
    seconds: Annotated[
        float, typer.Option(min=0, help="How long a transaction is held open.")
    ] = FULL.held_seconds,
    batches: Batches = 100,
    slots: Slots = 500,
    logs: Logs = None,
) -> None:
    """Passes on fresh tables, on full ones, and beside a transaction that is held open."""
    load = Load("endurance", batches, slots)

    async def run(conditions: Conditions) -> bool:
        return await endurance.benchmark(console, conditions, load, filled, seconds)

    _finish(run_on_servers(run, logs))


@app.command("recovery")
def recovery_command(
    events: Annotated[int, typer.Option(min=500, help="The backlog.")] = FULL.backlog_events,
    rounds: Rounds = 1,
    logs: Logs = None,
) -> None:
    """A backlog that piled up while every replica was stopped."""
    peak, backlog = Load("peak", 100, 500), Load("backlog", max(1, events // 500), 500)

    async def run(conditions: Conditions) -> bool:
        return await recovery.benchmark(console, conditions, peak, backlog, rounds)

    _finish(run_on_servers(run, logs))


@app.command("idle")
def idle_command(
    seconds: Annotated[float, typer.Option(min=1, help="How long to look.")] = FULL.idle_seconds,
    logs: Logs = None,
) -> None:
    """CPU time, queries and Kafka requests of a replica that has nothing to do."""
    _finish(run_on_servers(lambda conditions: idle.benchmark(console, conditions, seconds), logs))


@app.command("coordination")
def coordination_command(rounds: Rounds = 3, logs: Logs = None) -> None:
    """Locks beside redis-py's, hand-overs among 100 contenders, the filter with and without."""
    _finish(
        run_on_servers(lambda conditions: coordination.benchmark(console, conditions, rounds), logs)
    )


@app.command("profile")
def profile_command(batches: Batches = 200, slots: Slots = 500, logs: Logs = None) -> None:
    """Where the CPU time of a replica goes at full rate, by stage."""
    load = Load("profile", batches, slots)
    _finish(run_on_servers(lambda conditions: profiling.benchmark(console, conditions, load), logs))


@app.command("demo-time")
def demo_time_command(rounds: Rounds = 3) -> None:
    """Duration of `make demo` with warm caches."""
    _finish(demo_time.benchmark(console, rounds))


@app.command("report")
def report_command(
    write: Annotated[
        bool, typer.Option("--write", help="Write table and pictures to docs/performance.md.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Targets, measurements and verdicts, from the newest raw results."""
    quiet = Console(quiet=True) if as_json else console
    verdicts = report.report(quiet, write=write)
    if as_json:
        names = ("what", "target", "measured", "verdict")
        rows = [dict(zip(names, verdict.row, strict=True)) for verdict in verdicts]
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())


@app.command("model")
def model_command(
    write: Annotated[
        bool, typer.Option("--write", help="Write it to docs/architecture/scaling.md.")
    ] = False,
) -> None:
    """Fit the costs of each stage to the newest raw results; predict, and say what growth needs."""
    _finish(model_report.model(console, write=write))


@app.command("simulate")
def simulate_command(
    replicas: Annotated[int, typer.Option(min=10)] = Size().replicas,
    partitions: Annotated[int, typer.Option(min=10)] = Size().partitions,
    lanes: Annotated[int, typer.Option(min=1, max=64)] = Size().lanes,
    seed: int = Size().seed,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """A large deployment on the runtime's own decisions, without servers."""
    size = Size(replicas=replicas, partitions=partitions, lanes=lanes, seed=seed)
    outcome = asyncio.run(simulate(size))
    if as_json:
        typer.echo(orjson.dumps(asdict(outcome), option=orjson.OPT_INDENT_2).decode())
    else:
        show(console, outcome)
    _finish(not outcome.violations)


def _finish(right: bool) -> None:
    raise typer.Exit(0 if right else 1)
