"""`rollcall topic list|pause|resume`: which topics are consumed."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import orjson
import typer

from rollcall import failpoints
from rollcall.consumer.pauses import Pause, PauseStore
from rollcall.errors import DeadLetterError
from rollcall.failpoints import Failpoint
from rollcall.operations.transactions import order_transaction
from rollcall_cluster.dlq.deployment import Deployment
from rollcall_cluster.options import By, DryRun, Json, Reason, group_of, order_of

_TOPIC = typer.Argument(metavar="TOPIC", help="An input topic; prefix optional.")
Topic = Annotated[str, _TOPIC]


def topic_commands() -> typer.Typer:
    """Build the group of commands."""
    commands: dict[str, Callable[..., Any]] = {
        "list": list_command,
        "pause": pause_command,
        "resume": resume_command,
    }
    return group_of(commands, "Stop and resume the consumption of input topics.")


def list_command(as_json: Json = False) -> None:
    """List the topics that are paused, with the reasons."""
    deployment = Deployment.of_environment()

    async def read() -> list[Pause]:
        async with deployment.connection() as connection:
            return await PauseStore(deployment.group).read(connection)

    pauses = asyncio.run(read())
    if as_json:
        typer.echo(orjson.dumps(pauses, option=orjson.OPT_INDENT_2).decode())
        return
    for pause in pauses:
        since = f"{pause.paused_at:%Y-%m-%d %H:%M:%S} UTC"
        typer.echo(f"{pause.topic}  since {since} by {pause.paused_by}: {pause.reason}")
    if not pauses:
        typer.echo("no topic is paused")


def pause_command(
    topic: Topic,
    reason: Annotated[str, typer.Option(help="Why; shown by every replica.")] = "by hand",
    by: By = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Stop a topic in all replicas, within about a second, until it is resumed."""
    deployment = Deployment.of_environment()
    name = deployment.input_topic(topic)
    if not reason:
        raise DeadLetterError("a pause needs a reason: say why with --reason")
    order = order_of(by, reason, dry_run)

    async def pause() -> bool:
        async with deployment.connection() as connection, order_transaction(connection, order):
            store = PauseStore(deployment.group)
            return await store.pause(connection, name, order.reason, order.by)

    _tell(name, "paused", asyncio.run(pause()), dry_run, as_json)


def resume_command(
    topic: Topic,
    reason: Reason = "",
    by: By = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Let a topic go on where it stopped, in all replicas, within about a second."""
    deployment = Deployment.of_environment()
    name = deployment.topic(topic)
    order = order_of(by, reason, dry_run)

    async def resume() -> bool:
        async with deployment.connection() as connection, order_transaction(connection, order):
            store = PauseStore(deployment.group)
            resumed = await store.resume(connection, name, order.reason, order.by)
        failpoints.reached(Failpoint.RESUME_WRITTEN)
        return resumed

    _tell(name, "resumed", asyncio.run(resume()), dry_run, as_json)


def _tell(topic: str, verb: str, changed: bool, dry_run: bool, as_json: bool) -> None:
    if as_json:
        said = {"topic": topic, "action": verb, "changed": changed, "dry_run": dry_run}
        typer.echo(orjson.dumps(said).decode())
    else:
        opposite = {"paused": "was paused already", "resumed": "was not paused"}
        done = f"would be {verb}" if dry_run else verb
        typer.echo(f"{topic} {done if changed else opposite[verb]}")
