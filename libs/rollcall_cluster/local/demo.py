"""`rollcall demo`: the whole story on a cluster of its own that is gone afterwards."""

import asyncio
import logging
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from rollcall_cluster.auditor import AuditOptions, AuditTarget, verify
from rollcall_cluster.auditor.rendering import print_report
from rollcall_cluster.embedded.errors import EmbeddedServerError
from rollcall_cluster.generator import PROFILES, Plan, Summary
from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.demo_view import agrees, outcome_table
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.local.interruption import run_until_interrupted
from rollcall_cluster.local.own_cluster import own_cluster, own_name
from rollcall_cluster.local.steps import shown_steps
from rollcall_cluster.local.story import Story

_REPLICAS = 3
_PREFIX = "demo-"
_CANNOT_RUN = 2
_PLAIN_LINES_SECONDS = 2.0
# The crash is over sooner for those who watch.
_TIME_LIMITS = {
    "ROLLCALL_SESSION_TIMEOUT_SECONDS": "3",
    "ROLLCALL_LANE_SESSION_TIMEOUT_SECONDS": "3",
}


def demo_command(
    batches: Annotated[int, typer.Option(min=1, help="Number of batches.")] = 400,
    slots: Annotated[int, typer.Option(min=1, help="Average number of slots of a batch.")] = 80,
    rate: Annotated[float, typer.Option(min=1, help="Events a second.")] = 4000.0,
    seed: Annotated[int, typer.Option(help="Same seed, same events.")] = 1,
) -> None:
    """Watch three replicas fill batches, lose one of them, and get everything right.

    Starts its own Kafka, PostgreSQL, Redis and replicas, sends them a mix of good,
    repeated, early, surplus, failed and broken events, kills a replica in the middle
    and brings it back, then audits everything from outside. Whatever happens, it
    stops and deletes all it made, also on servers that ROLLCALL_* variables name:
    there it has a schema and topics of its own.

    Exit code 0: no violation was found; 1: otherwise; 2: it could not run.

    Examples:

      rollcall demo

      rollcall demo --batches 2000 --rate 10000
    """
    console = Console()
    began = time.monotonic()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the crash is part of the show
    plan = Plan(
        **{**PROFILES["mixed"], "seed": seed, "batches": batches, "slots": slots}, rate=rate
    )
    try:
        with own_cluster(_PREFIX) as cluster:
            with shown_steps(f"replicas ready: {_REPLICAS},") as report:
                cluster.up(_REPLICAS, report, _settings(cluster))
            holds = run_until_interrupted(_run(cluster, plan, console))
    except (ClusterError, EmbeddedServerError) as error:
        typer.echo(f"could not run: {error}", err=True)
        raise typer.Exit(_CANNOT_RUN) from error
    console.print(f"demo of {time.monotonic() - began:.0f} s; everything is stopped and deleted")
    raise typer.Exit(0 if holds else 1)


async def _run(cluster: LocalCluster, plan: Plan, console: Console) -> bool:
    """Tell the story, audit it, print both; tell whether everything holds."""
    story = Story(cluster, plan)
    summary = await _shown(story, console)
    with console.status("auditing from outside: Kafka input, database, Kafka output"):
        target = AuditTarget.model_validate(_target(cluster.home.environment))
        report = await verify(target, AuditOptions(wait_seconds=30.0))
    print_report(report, console)
    assert summary.expected is not None
    outcome = await story.outcome()
    console.print(outcome_table(summary.expected, outcome))
    return report.ok and agrees(summary.expected, outcome)


async def _shown(story: Story, console: Console) -> Summary:
    """Show the story as a live picture on a terminal, as a line now and then elsewhere."""
    if console.is_terminal:
        with Live(story.view, console=console, refresh_per_second=4):
            return await story.tell()
    lines = asyncio.create_task(_print_now_and_then(story, console))
    try:
        return await story.tell()
    finally:
        lines.cancel()
        console.print(story.view)


async def _print_now_and_then(story: Story, console: Console) -> None:
    while True:
        await asyncio.sleep(_PLAIN_LINES_SECONDS)
        seen = story.view.filling
        console.print(
            f"produced {story.view.produced:,} of {story.view.planned_records:,}, "
            f"completed {seen.completed:,} of {story.view.planned_batches:,} batches"
        )


def _settings(cluster: LocalCluster) -> dict[str, str]:
    """Short time limits, and on servers of others names that nobody else uses."""
    if not cluster.servers.external_addresses:
        return _TIME_LIMITS
    name = own_name(cluster)
    own = {
        "ROLLCALL_TOPIC_PREFIX": f"{name}.",
        "ROLLCALL_CONSUMER_GROUP": name,
        "ROLLCALL_DATABASE_SCHEMA": name,
    }
    return _TIME_LIMITS | own


def _target(environment: dict[str, str]) -> dict[str, str]:
    return {
        variable.removeprefix("ROLLCALL_").lower(): value for variable, value in environment.items()
    }
