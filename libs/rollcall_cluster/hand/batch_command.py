"""`rollcall batch pending|reconcile|complete|close|reassign|replay`: orders about batches."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

import typer

from essay_lifecycle_service.operations import (
    BatchOperations,
    BatchOutcome,
    WaitingBatch,
    WaitingClaim,
)
from essay_lifecycle_service.settings import EssayLifecycleSettings
from essay_lifecycle_service.wiring import batch_operations
from rollcall.operations.runner import OrderRunner
from rollcall.topology import Topology
from rollcall_cluster.dlq.deployment import Deployment
from rollcall_cluster.hand.printing import print_json
from rollcall_cluster.options import By, DryRun, Json, Reason, group_of, order_of
from rollcall_cluster.tables import print_table
from rollcall_events.topics import TOPICS

_EPILOG = """\
Examples: rollcall batch pending; rollcall batch complete BATCH --reason "term is over" --dry-run;
rollcall batch reassign BATCH essay-0007 --to text-4711; rollcall batch replay BATCH"""

Batch = Annotated[UUID, typer.Argument(metavar="BATCH", help="The batch's id.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Most that are shown.")]


def batch_commands() -> typer.Typer:
    """Build the group of commands."""
    commands: dict[str, Callable[..., Any]] = {
        "pending": pending_command,
        "reconcile": reconcile_command,
        "complete": complete_command,
        "close": close_command,
        "reassign": reassign_command,
        "replay": replay_command,
    }
    return group_of(commands, "List what waits, and set batches right by hand.", _EPILOG)


def pending_command(
    batch: Annotated[
        UUID | None, typer.Argument(metavar="BATCH", help="What waits for this one.")
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List batches for which contents or failures wait, with ages, the longest first."""
    if batch is None:
        found: list[WaitingBatch] = _run(lambda operations: operations.waiting_batches(limit))
        _print_batches(found, as_json)
    else:
        claims: list[WaitingClaim] = _run(
            lambda operations: operations.waiting_claims(batch, limit)
        )
        _print_claims(claims, as_json)


def reconcile_command(
    batch: Batch, reason: Reason = "", by: By = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Place what is pending for a registered batch now, as the sweep would."""
    order = order_of(by, reason, dry_run)
    _tell(_run(lambda operations: operations.reconcile(batch, order)), as_json)


def complete_command(
    batch: Batch, reason: Reason = "", by: By = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Complete an open batch with what is there: its open slots become missing.

    If its last content comes at the same moment, the batch is completed by one of the two, once.
    """
    order = order_of(by, reason, dry_run)
    _tell(_run(lambda operations: operations.end(batch, "completed", order)), as_json)


def close_command(
    batch: Batch, reason: Reason = "", by: By = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Close an open batch: its open slots become missing, and it never completes."""
    order = order_of(by, reason, dry_run)
    _tell(_run(lambda operations: operations.end(batch, "closed", order)), as_json)


def reassign_command(
    batch: Batch,
    essay: Annotated[str, typer.Argument(metavar="ESSAY", help="Whose slot it is.")],
    to: Annotated[str, typer.Option(metavar="TEXT_STORAGE_ID", help="A content without a slot.")],
    reason: Reason = "",
    by: By = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give a slot of a batch that has ended to one of its contents that got none.

    What held the slot becomes excess. Both are announced, marked as corrections.
    """
    order = order_of(by, reason, dry_run)
    _tell(_run(lambda operations: operations.reassign(batch, essay, to, order)), as_json)


def replay_command(
    batch: Batch, reason: Reason = "", by: By = None, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Publish all events of a batch once more: the same ids, with the header rollcall-replay."""
    order = order_of(by, reason, dry_run)
    _tell(_run(lambda operations: operations.replay(batch, order)), as_json)


def _run(ask: Callable[[BatchOperations], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        deployment = Deployment.of_environment()

        @asynccontextmanager
        async def acquire() -> AsyncIterator[Any]:
            async with deployment.connection() as connection:
                yield connection

        runner = OrderRunner(
            acquire,
            Topology(TOPICS),
            deployment.group,
            EssayLifecycleSettings().service_name,
            lambda event, fields: None,
            _tell_left,
        )
        return await ask(batch_operations(runner))

    return asyncio.run(run())


def _tell_left(_: object, error: Exception) -> None:
    why = repr(error.__cause__ or error)
    typer.echo(f"what waits for the batch is left to the next sweep: {why}", err=True)


def _tell(outcome: BatchOutcome, as_json: bool) -> None:
    if as_json:
        print_json(asdict(outcome))
        return
    would = "would be " if outcome.dry_run else ""
    changes = {
        name: f"{before} -> {outcome.after[name]}"
        for name, before in outcome.before.items()
        if outcome.after[name] != before
    }
    typer.echo(f"batch {outcome.batch_id} {would}{_DONE[outcome.action]}")
    for name, change in changes.items():
        typer.echo(f"  {name:<8}  {change}")
    if outcome.events:
        typer.echo(f"  {outcome.events} events {would}published")
    for left in outcome.left_out:
        typer.echo(f"left out: {left}")


def _print_batches(found: list[WaitingBatch], as_json: bool) -> None:
    if as_json:
        print_json([asdict(batch) for batch in found])
        return
    if not found:
        typer.echo("nothing waits")
        return
    rows: list[tuple[object, ...]] = [
        (one.batch_id, one.state or "not registered", one.open_count, one.pending, age)
        for one in found
        for age in [_age(one.oldest_seconds)]
    ]
    headings = {"BATCH": False, "STATE": False, "OPEN": True, "PENDING": True, "OLDEST": True}
    print_table(headings, rows)


def _print_claims(found: list[WaitingClaim], as_json: bool) -> None:
    if as_json:
        print_json([asdict(claim) for claim in found])
        return
    if not found:
        typer.echo("nothing waits for this batch")
        return
    rows: list[tuple[object, ...]] = [
        (claim.kind, claim.identity, _age(claim.age_seconds)) for claim in found
    ]
    print_table({"KIND": False, "IDENTITY": False, "AGE": True}, rows)


def _age(seconds: float) -> str:
    """Rounded down, in the largest unit of which there are two."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


_DONE = {
    "reconcile": "reconciled",
    "complete": "completed",
    "close": "closed",
    "reassign": "reassigned",
    "replay-output": "replayed",
}
