"""`rollcall chaos`: proves on real processes that faults cost nothing but time."""

import asyncio
import json
import logging
import os
import platform
import random
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rollcall_cluster.chaos import options
from rollcall_cluster.chaos.arena import Powers
from rollcall_cluster.chaos.faults import FAULTS, Fault
from rollcall_cluster.chaos.report import markdown, print_result
from rollcall_cluster.chaos.results import ChaosResult, FaultRecord
from rollcall_cluster.chaos.run import ChaosRun, OnFault, OnStep, RunOptions
from rollcall_cluster.chaos.schedule import LeftOut, draw, possible
from rollcall_cluster.chaos.timeline import draw_timeline
from rollcall_cluster.embedded.errors import EmbeddedServerError
from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.local.own_cluster import own_cluster
from rollcall_cluster.options import Json, try_folder

_PREFIX = "chaos-"
MISSED, CANNOT_RUN, INTERRUPTED = 1, 2, 130
"""Exit codes: a target was missed; the run could not be made; Ctrl-C ended it."""


def chaos_command(
    fault: options.OnlyFaults = None,
    faults: options.Count = None,
    seed: options.Seed = None,
    instances: options.Instances = 3,
    rate: options.Rate = 600.0,
    session_seconds: options.SessionSeconds = 4,
    faults_per_audit: options.FaultsPerAudit = 20,
    out: options.Out = None,
    list_faults: options.List = False,
    as_json: Json = False,
) -> None:
    """Break a cluster under load in every way there is, and audit what came of it.

    Real servers, real replicas and a mixed load, keyed and unkeyed, that never pauses. One fault
    after the other, each watched until the rate is back at 95 %; after every 20 faults the load
    ends, and the auditor checks all invariants from outside. Servers that ROLLCALL_* variables
    name are used, with a schema and topics of its own, and not broken: faults that would hurt
    others are left out and named. Everything it made is stopped and deleted at the end.

    Exit code 0: no violation, no silently idle replica, every recovery in time; 1: otherwise;
    2: it could not run; 130: Ctrl-C.

    Examples:

      rollcall chaos --list

      rollcall chaos --fault kill-one --fault zombie

      rollcall chaos --faults 200 --seed 7 --out chaos

      ROLLCALL_POSTGRES_DSN=... ROLLCALL_KAFKA_BOOTSTRAP_SERVERS=... rollcall chaos
    """
    if list_faults:
        _print_list(as_json)
        return
    _refuse_unknown(fault or [])
    try_folder(out)
    how = RunOptions(instances, rate, session_seconds, faults_per_audit, out and out / "logs")
    result = _new_result(how, seed)
    console = Console(stderr=as_json)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # faults are what this is about
    try:
        with own_cluster(_PREFIX) as cluster:
            _run(cluster, how, result, fault or [], faults)
        if as_json:
            typer.echo(json.dumps(result.raw(), indent=1))
        else:
            print_result(result, console)
    except (ClusterError, EmbeddedServerError) as error:
        typer.echo(f"could not run: {error}", err=True)
        raise typer.Exit(CANNOT_RUN) from error
    finally:
        _write(result, out)
    raise typer.Exit(_exit_code(result))


def _new_result(how: RunOptions, seed: int | None) -> ChaosResult:
    return ChaosResult(
        seed=random.SystemRandom().randrange(2**31) if seed is None else seed,
        instances=how.instances,
        rate=how.rate,
        session_seconds=how.session_seconds,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
    )


def _run(
    cluster: LocalCluster,
    how: RunOptions,
    result: ChaosResult,
    names: Sequence[str],
    count: int | None,
) -> None:
    powers = Powers.over(cluster.servers, how.instances)
    kinds, result.left_out = possible(names, powers)
    if not kinds:
        raise ClusterError("none of these faults can be inflicted here", _reasons(result.left_out))
    sequence = draw(kinds, count or len(kinds), result.seed)
    with _progress(len(sequence), result.seed) as (on_step, on_fault):
        on_step("starting servers")
        with cluster.home.locked():
            cluster.servers.start(owner_pid=os.getpid())
        run = ChaosRun(cluster, how, result, on_step, on_fault)
        asyncio.run(_until_done_or_stopped(run, sequence))


async def _until_done_or_stopped(run: ChaosRun, sequence: Sequence[type[Fault]]) -> None:
    """The first Ctrl-C ends it in order; the second at once."""
    loop = asyncio.get_running_loop()

    def first() -> None:
        run.stop()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, first)
    await run.run(sequence)


@contextmanager
def _progress(total: int, seed: int) -> Iterator[tuple[OnStep, OnFault]]:
    """A bar on a terminal, a line for each step and fault elsewhere."""
    console = Console(stderr=True)
    console.print(f"{total} faults, seed {seed}")
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        seen: set[str] = set()

        def on_step(step: str) -> None:
            bar.update(task, description=step)
            if not console.is_terminal and step not in seen:
                seen.add(step)
                console.print(step, highlight=False, markup=False)

        def on_fault(record: FaultRecord) -> None:
            bar.advance(task)
            told = "; ".join(
                [record.problem or f"rate back after {record.rate_seconds} s", *record.unready]
            )
            console.print(
                f"{record.began:7.1f} s  {record.number}: {record.name} {record.detail}: {told}",
                style=None if record.ok else "red",
                highlight=False,
                markup=False,
            )

        yield on_step, on_fault


def _write(result: ChaosResult, out: Path | None) -> None:
    if out is None or not result.rounds:
        return
    out.mkdir(parents=True, exist_ok=True)
    (out / "chaos.json").write_text(json.dumps(result.raw(), separators=(",", ":")) + "\n")
    (out / "chaos.md").write_text(markdown(result))
    (out / "timeline.svg").write_text(draw_timeline(result))


def _print_list(as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "name": fault.name,
                "summary": fault.summary,
                "breaks": sorted(fault.breaks),
                "weight": fault.weight,
            }
            for fault in FAULTS.values()
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    width = max(map(len, FAULTS))
    for fault in FAULTS.values():
        own = f" (only on our own {', '.join(sorted(fault.breaks))})" if fault.breaks else ""
        typer.echo(f"{fault.name:{width}}  {fault.summary}{own}")


def _refuse_unknown(names: Sequence[str]) -> None:
    for name in names:
        if name not in FAULTS:
            raise typer.BadParameter(f"no fault {name!r}; `rollcall chaos --list` names them all")


def _reasons(left_out: Sequence[LeftOut]) -> str:
    return "; ".join(f"{each.name}: {each.reason}" for each in left_out)


def _exit_code(result: ChaosResult) -> int:
    if result.interrupted:
        return INTERRUPTED
    return 0 if result.ok else MISSED
