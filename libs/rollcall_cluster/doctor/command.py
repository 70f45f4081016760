"""`rollcall doctor`: looks at a deployment and tells what will bite, with the remedy."""

import asyncio
from typing import Annotated, Literal

import typer
from pydantic import ValidationError
from rich.console import Console

from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall_cluster.deployment_options import (
    BootstrapServers,
    ConsumerGroup,
    Dsn,
    Schema,
    TopicPrefix,
    given_settings,
)
from rollcall_cluster.doctor.examine import examine
from rollcall_cluster.doctor.findings import COULD_NOT_LOOK, Verdict
from rollcall_cluster.doctor.rendering import print_examination


def doctor_command(
    bootstrap_servers: BootstrapServers = None,
    dsn: Dsn = None,
    schema: Schema = None,
    topic_prefix: TopicPrefix = None,
    consumer_group: ConsumerGroup = None,
    url: Annotated[
        list[str] | None, typer.Option(help="A replica's address, beside those that are known.")
    ] = None,
    replicas: Annotated[
        int | None, typer.Option(min=1, help="How many shall run; else those that do count.")
    ] = None,
    limit_seconds: Annotated[
        float, typer.Option(min=1, max=300, help="Longest look at any side.")
    ] = 20.0,
    old_seconds: Annotated[
        float, typer.Option(min=0, help="Tell transactions open for longer.")
    ] = 60.0,
    fail_on: Annotated[
        Literal["problem", "warning"], typer.Option(help="What makes the exit code 1.")
    ] = "problem",
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check servers, settings, topics, schema and replicas of a deployment; changes nothing.

    The ROLLCALL_* variables should be those of the replicas: their values are checked, too.

    Exit code 0: nothing found; 1: problems (with --fail-on warning: or warnings); 2: a side could not
    be looked at, or the settings are invalid.

    Examples: rollcall doctor; rollcall doctor --replicas 12 --fail-on warning; rollcall doctor --json
    """
    given = given_settings(bootstrap_servers, dsn, schema, topic_prefix, consumer_group)
    try:
        settings = EssayLifecycleSettings(**given)
    except ValidationError as error:
        typer.echo(f"the settings are invalid: {error}", err=True)
        raise typer.Exit(COULD_NOT_LOOK) from error
    examination = asyncio.run(examine(settings, url or (), replicas, limit_seconds, old_seconds))
    if as_json:
        typer.echo(examination.model_dump_json(indent=2))
    else:
        print_examination(examination, Console())
    raise typer.Exit(examination.exit_code(Verdict(fail_on)))
