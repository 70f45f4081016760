"""`rollcall purge`: takes batches that ended long ago out of the database."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer

from rollcall_cluster.dlq.deployment import Deployment
from rollcall_cluster.options import Json
from rollcall_cluster.purge.age import age_seconds
from rollcall_cluster.purge.progress import shown_progress
from rollcall_cluster.purge.purging import Purge, Purged

INCOMPLETE = 1
"""Exit code when batches that are old enough were left."""


def _age(text: str) -> int:
    try:
        return age_seconds(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def purge_command(
    older_than: Annotated[
        int, typer.Option(parser=_age, metavar="AGE", help="Ended longer ago: 30d, 12h, 90m.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; count what would go.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Most batches to look at.")] = None,
    wait_seconds: Annotated[
        float, typer.Option(min=0, help="How long to wait for a lane to be published.")
    ] = 10.0,
    as_json: Json = False,
) -> None:
    """Purge batches that completed or were closed long ago, beside running replicas.

    Slots, excess and completion of each go; its row stays, without instructions and user, so that
    what comes for it later is excess (BATCH_CLOSED). A batch whose events are not published is left.

    Exit code 1: batches that are old enough were left, and the output says why.

    Examples: rollcall purge --older-than 30d --dry-run; rollcall purge --older-than 30d --limit 10000
    """
    outcome = asyncio.run(_purge(older_than, limit, wait_seconds, dry_run))
    if as_json:
        said = asdict(outcome) | {"older_than": outcome.older_than.isoformat(), "dry_run": dry_run}
        typer.echo(json.dumps(said, indent=2))
    else:
        typer.echo(_told(outcome, dry_run))
    if outcome.unpublished or outcome.busy:
        raise typer.Exit(INCOMPLETE)


async def _purge(
    older_seconds: int, limit: int | None, wait_seconds: float, dry_run: bool
) -> Purged:
    async with Deployment.of_environment().connection() as connection:
        with shown_progress() as progress:
            purge = Purge(connection, progress, wait_seconds)
            return await purge.run(older_seconds, limit, dry_run=dry_run)


def _told(outcome: Purged, dry_run: bool) -> str:
    lines = [
        f"{'would purge' if dry_run else 'purged'} {outcome.batches} batches that ended before"
        f" {outcome.older_than:%Y-%m-%d %H:%M:%S} UTC, with {outcome.slots} slots"
        + ("" if dry_run else f" and {outcome.excess} without a slot")
    ]
    if outcome.unpublished:
        lines.append(
            f"left {outcome.unpublished}: events of their lanes wait for publication; see"
            " rollcall_lanes_owned and the replicas' /healthz/ready, then purge again"
        )
    if outcome.busy:
        lines.append(
            f"left {outcome.busy}: something of them is pending or locked; purge again after the"
            " next sweep"
        )
    return "\n".join(lines)
