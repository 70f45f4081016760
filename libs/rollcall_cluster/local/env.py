"""`rollcall env`: the variables that point other programs at the cluster."""

import json
import shlex
from typing import Annotated

import typer

from rollcall.access.addresses import HIDDEN, shown_address
from rollcall.access.environment import PREFIX, is_secret
from rollcall.settings import ServiceSettings
from rollcall_cluster.embedded.servers import KAFKA_VARIABLE, POSTGRES_VARIABLE, REDIS_VARIABLE
from rollcall_cluster.local.home import Home
from rollcall_cluster.options import Json

_ADDRESSES = ("postgres_dsn", "redis_url")
_SERVERS = (KAFKA_VARIABLE, POSTGRES_VARIABLE, REDIS_VARIABLE)
_SECRETS = frozenset(
    PREFIX + name.upper()
    for name, field in ServiceSettings.model_fields.items()
    if is_secret(field) and name not in _ADDRESSES
)


def env_command(
    servers: Annotated[
        bool,
        typer.Option("--servers", help="Addresses of the servers alone, for another service."),
    ] = False,
    as_json: Json = False,
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Print passwords, too, of servers of your own.")
    ] = False,
) -> None:
    """Print export lines for a shell: addresses, consumer group, schema and topic prefix.

    A variable with a password is left out, as a comment that says so, unless --secrets is given.
    Embedded servers have none.

    Group, schema and prefix are the essay lifecycle service's; --servers leaves them out.

    Examples:

      eval "$(rollcall env)"

      eval "$(rollcall env)" && psql "$ROLLCALL_POSTGRES_DSN"

      eval "$(rollcall env --servers)" && python -m attendance migrate

      eval "$(rollcall env --secrets)"
    """
    environment = Home.current().environment
    if servers:
        environment = {name: environment[name] for name in _SERVERS if name in environment}
    shown = {name: value if secrets else _shown(name, value) for name, value in environment.items()}
    if as_json:
        typer.echo(json.dumps(shown, indent=2))
        return
    for variable, value in shown.items():
        hides = value != environment[variable]
        line = f"export {variable}={shlex.quote(value)}"
        typer.echo(f"# {line}  # hidden: rollcall env --secrets" if hides else line)


def _shown(variable: str, value: str) -> str:
    if variable in _SECRETS:
        return HIDDEN
    return shown_address(value) if "://" in value else value
