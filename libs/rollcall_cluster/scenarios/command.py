"""`rollcall scenarios`: what several instances must do together, measured beside its targets."""

import json
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rollcall_cluster.embedded.errors import EmbeddedServerError
from rollcall_cluster.embedded.servers import KAFKA_VARIABLE, POSTGRES_VARIABLE, REDIS_VARIABLE
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.local.interruption import run_until_interrupted
from rollcall_cluster.local.own_cluster import own_cluster
from rollcall_cluster.options import Json, try_folder
from rollcall_cluster.scenarios import options
from rollcall_cluster.scenarios.catalogue import ALL, SCENARIOS, Scenario
from rollcall_cluster.scenarios.findings import Finding, Run
from rollcall_cluster.scenarios.html_report import html_report
from rollcall_cluster.scenarios.junit import junit
from rollcall_cluster.scenarios.runner import OnFinding, run_scenarios
from rollcall_cluster.scenarios.site import (
    OwnSite,
    RunningSite,
    Servers,
    Site,
    running_environment,
    servers_of,
)
from rollcall_cluster.scenarios.stage import OnStep
from rollcall_cluster.scenarios.table import print_finding, print_summary
from rollcall_cluster.scenarios.verdicts import Side

FAILED, CANNOT_RUN, INTERRUPTED = 1, 2, 130
"""Exit codes: wrong or too slow; it could not run; Ctrl-C."""
_PREFIX = "scenarios-"
_WIDTH = 150


def scenarios_command(
    scenario: options.Name = ALL,
    instances: options.Instances = 3,
    duration: options.Duration = 60.0,
    servers: options.OnServers = None,
    targets: options.Targets = Side.OURS,
    out: options.Out = None,
    list_scenarios: options.List = False,
    as_json: Json = False,
) -> None:
    """Have several instances race, coordinate, complete, endure and scale, and audit each time.

    Every figure stands beside our target and the customary one. A wrong result always fails; a
    figure of speed that misses the chosen targets fails, too. What is started is stopped and
    deleted at the end; on a running deployment, only batches stay.

    Exit code 0: nothing wrong, every target reached; 1: otherwise; 2: it could not run; 130: Ctrl-C.

    Examples:

      rollcall scenarios --out report

      rollcall scenarios --scenario race_conditions --instances 5

      rollcall scenarios --scenario scaling --targets customary

      rollcall scenarios --servers compose --json
    """
    if list_scenarios:
        _print_list(as_json)
        return
    chosen = _chosen(scenario)
    try_folder(out)
    where = servers or servers_of(os.environ)
    console = Console(stderr=as_json)
    if not console.is_terminal:
        console = Console(stderr=as_json, width=_WIDTH)
    run = _new_run(where, instances, duration, targets)
    _quieten()
    try:
        _measure(where, chosen, run, console)
        print_summary(run, console)
        if as_json:
            typer.echo(json.dumps(run.raw(), indent=1))
    except (ClusterError, EmbeddedServerError) as error:
        typer.echo(f"could not run: {error}", err=True)
        raise typer.Exit(CANNOT_RUN) from error
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    finally:
        _write(run, out)
    if out is not None:
        told = f"written: {out}/scenarios.json, junit.xml, report.html"
        console.print(told, highlight=False, markup=False)
    raise typer.Exit(_exit_code(run, scenario))


def _measure(where: Servers, chosen: list[Scenario], run: Run, console: Console) -> None:
    if where is Servers.COMPOSE:
        _run(RunningSite(running_environment(os.environ)), chosen, run, console)
        return
    if where is Servers.EMBEDDED:
        for variable in (KAFKA_VARIABLE, POSTGRES_VARIABLE, REDIS_VARIABLE):
            os.environ.pop(variable, None)  # asked for by name: what they name is not meant
    with own_cluster(_PREFIX) as cluster:
        with cluster.home.locked():
            cluster.servers.start(owner_pid=os.getpid())
        _run(OwnSite(cluster, run.instances), chosen, run, console)


def _run(site: Site, chosen: list[Scenario], run: Run, console: Console) -> None:
    with _progress(len(chosen), console) as (on_step, on_finding):
        run_until_interrupted(run_scenarios(site, chosen, run, on_step, on_finding))


@contextmanager
def _progress(total: int, console: Console) -> Iterator[tuple[OnStep, OnFinding]]:
    """A bar on a terminal, a line for each step elsewhere; the table of each scenario when it is over."""
    steps = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=steps, disable=not steps.is_terminal) as bar:
        task = bar.add_task("", total=total)
        latest = ""

        def on_step(step: str) -> None:
            nonlocal latest
            bar.update(task, description=step)
            if step != latest and not steps.is_terminal:
                steps.print(step, highlight=False, markup=False, soft_wrap=True)
            latest = step

        def on_finding(finding: Finding) -> None:
            bar.advance(task)
            print_finding(finding, console)

        yield on_step, on_finding


def _new_run(where: Servers, instances: int, duration: float, targets: Side) -> Run:
    return Run(
        servers=where.value,
        instances=0 if where is Servers.COMPOSE else instances,
        duration_seconds=duration,
        targets=targets,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        cores=os.cpu_count() or 1,
        load=round(os.getloadavg()[0], 2),
    )


def _quieten() -> None:
    """Deaths of Redis and new topics are what this is about; what they make clients say is no news."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _write(run: Run, out: Path | None) -> None:
    if out is None or not run.findings:
        return
    out.mkdir(parents=True, exist_ok=True)
    (out / "scenarios.json").write_text(json.dumps(run.raw(), indent=1) + "\n", encoding="utf-8")
    (out / "junit.xml").write_text(junit(run), encoding="utf-8")
    (out / "report.html").write_text(html_report(run), encoding="utf-8")


def _chosen(name: str) -> list[Scenario]:
    if name == ALL:
        return list(SCENARIOS.values())
    if name not in SCENARIOS:
        raise typer.BadParameter(f"no scenario {name!r}; there are {ALL}, {', '.join(SCENARIOS)}")
    return [SCENARIOS[name]]


def _exit_code(run: Run, scenario: str) -> int:
    """One that was asked for by name and could not measure anything has not passed."""
    if not run.ok:
        return FAILED
    measured = any(row.measured is not None for each in run.findings for row in each.rows)
    return 0 if scenario == ALL or measured else CANNOT_RUN


def _print_list(as_json: bool) -> None:
    if as_json:
        rows = [{"name": each.name, "title": each.title} for each in SCENARIOS.values()]
        typer.echo(json.dumps(rows, indent=2))
        return
    width = max(map(len, SCENARIOS))
    for each in SCENARIOS.values():
        typer.echo(f"{each.name:{width}}  {each.title}")
