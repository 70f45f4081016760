"""`rollcall position show|replay|reset`: where the input topics are read from."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

import typer

from rollcall.operations.input_logs import open_input_logs
from rollcall.operations.positions import Move, PartitionState, Positions
from rollcall_cluster.dlq.deployment import Deployment
from rollcall_cluster.hand.printing import print_json
from rollcall_cluster.options import By, DryRun, Json, Reason, group_of, moment, order_of
from rollcall_cluster.tables import print_table
from rollcall_events.topics import TOPICS

_EPILOG = """\
Examples: rollcall position show; rollcall position replay file.essay.content.provisioned.v1 --to
2026-03-01T12:00 --dry-run; rollcall position reset file.essay.content.provisioned.v1 --partition 3
--accept-loss 330"""

Topic = Annotated[str, typer.Argument(metavar="TOPIC", help="An input topic; prefix optional.")]


def position_commands() -> typer.Typer:
    """Build the group of commands."""
    commands: dict[str, Callable[..., Any]] = {
        "show": show_command,
        "replay": replay_command,
        "reset": reset_command,
    }
    return group_of(
        commands, "Show positions of input topics, move them back, or set them anew.", _EPILOG
    )


def show_command(
    topic: Annotated[
        str | None, typer.Argument(metavar="TOPIC", help="An input topic; all if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show each partition's position beside what its log holds, and why it is refused, if it is."""
    deployment = Deployment.of_environment()
    names = [deployment.input_topic(topic)] if topic else _input_topics(deployment)

    async def read() -> list[PartitionState]:
        async with _positions(deployment) as positions:
            return await positions.show(names)

    found = asyncio.run(read())
    if as_json:
        print_json([_document(state) for state in found])
        return
    headings = {
        "PARTITION": False,
        "POSITION": True,
        "LOG": False,
        "WAITING": True,
        "REFUSED": False,
    }
    rows: list[tuple[object, ...]] = [
        (
            state.partition,
            state.next_offset,
            f"{state.log.start}..{state.log.end}",
            state.waiting,
            state.refusal or "",
        )
        for state in found
    ]
    print_table(headings, rows)


def replay_command(
    topic: Topic,
    to: Annotated[
        str, typer.Option(metavar="OFFSET|TIME|earliest", help="From where on (ISO 8601, UTC).")
    ],
    partition: Annotated[int | None, typer.Option(min=0, help="Of it; all if not given.")] = None,
    reason: Reason = "",
    by: By = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Have records handled once more, beside running replicas.

    What took effect takes none again; dead letters of the replayed records are not announced again. The
    filter in Redis believes nothing that it knew before.
    """
    deployment = Deployment.of_environment()
    names = [deployment.input_topic(topic)]
    order = order_of(by, reason, dry_run)

    async def replay() -> list[Move]:
        async with _positions(deployment) as positions:
            return await positions.replay(names, partition, _target(to), order)

    moves = asyncio.run(replay())
    if as_json:
        _print_moves("replay", dry_run, moves)
        return
    for move in moves:
        verb = "would be" if dry_run else "are"
        typer.echo(
            f"{move.partition}: offsets {move.after} to {move.before - 1} {verb} handled again"
        )
    if not moves:
        typer.echo("no position lies behind that: nothing to handle again")


def reset_command(
    topic: Topic,
    partition: Annotated[int, typer.Option(min=0, help="Of it.")],
    accept_loss: Annotated[
        str | None, typer.Option(metavar="LOSS", help="The loss, as --dry-run tells it.")
    ] = None,
    reason: Reason = "",
    by: By = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Go on from the start of a log that no longer holds what the position needs.

    After retention has removed records that were not handled, or the topic was recreated. Refused
    unless --accept-loss states the loss.
    """
    deployment = Deployment.of_environment()
    names = [deployment.input_topic(topic)]
    order = order_of(by, reason, dry_run)

    async def reset() -> Move:
        async with _positions(deployment) as positions:
            return await positions.reset(names, partition, accept_loss, order)

    move = asyncio.run(reset())
    if as_json:
        _print_moves("reset", dry_run, [move])
        return
    verb = "would be moved" if dry_run else "moved"
    typer.echo(f"{move.partition}: position {verb} from {move.before} to {move.after}")
    lost = "an unknown number of" if move.loss == "recreated" else move.loss
    typer.echo(f"given up: {lost} offsets that were never handled")
    if dry_run:
        typer.echo(f"to do it: --accept-loss {move.loss}")


def _input_topics(deployment: Deployment) -> list[str]:
    return [deployment.topic(topic.name) for topic in TOPICS if topic.direction == "in"]


@asynccontextmanager
async def _positions(deployment: Deployment) -> AsyncIterator[Positions]:
    async with (
        open_input_logs(deployment.target) as logs,
        deployment.connection() as connection,
    ):
        yield Positions(connection, deployment.group, logs)


def _target(text: str) -> int | datetime | None:
    if text == "earliest":
        return None
    return int(text) if text.isdecimal() else moment(text)


def _print_moves(action: str, dry_run: bool, moves: list[Move]) -> None:
    moved = [
        {
            "topic": move.partition.topic,
            "partition": move.partition.number,
            "before": move.before,
            "after": move.after,
            "loss": move.loss,
        }
        for move in moves
    ]
    print_json({"action": action, "dry_run": dry_run, "moved": moved})


def _document(state: PartitionState) -> dict[str, Any]:
    return {
        "topic": state.partition.topic,
        "partition": state.partition.number,
        "next_offset": state.next_offset,
        "log_start": state.log.start,
        "log_end": state.log.end,
        "waiting": state.waiting,
        "refused": state.refusal,
        "loss": state.loss,
    }
