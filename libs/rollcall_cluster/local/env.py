"""`rollcall env`: the variables that point other programs at the cluster."""

import json
import shlex
from typing import Annotated

import typer

from rollcall_cluster.local.home import Home


def env_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print export lines for a shell: addresses, consumer group, schema and topic prefix.

    Examples:

      eval "$(rollcall env)"

      eval "$(rollcall env)" && psql "$ROLLCALL_POSTGRES_DSN"
    """
    environment = Home.current().environment
    if as_json:
        typer.echo(json.dumps(environment, indent=2))
        return
    for variable, value in environment.items():
        typer.echo(f"export {variable}={shlex.quote(value)}")
