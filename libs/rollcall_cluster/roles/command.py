"""`rollcall roles`: prints the script that a database administrator runs once."""

import re
from importlib import resources
from typing import Annotated

import typer

ROLES = ("migrator", "service", "auditor")
_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,52}")


def roles_command(
    schema: Annotated[
        str,
        typer.Option(envvar="ROLLCALL_DATABASE_SCHEMA", help="Schema that the roles are for."),
    ] = "els",
) -> None:
    """Print the SQL that creates the roles of a deployment: migrator, service and auditor.

    What each may do is granted by the migrations; `migrate` grants again, whenever it is run.

    Examples:

      rollcall roles --schema els > roles.sql

      rollcall roles | psql "$ADMINISTRATOR_DSN"
    """
    if not _SCHEMA_NAME.fullmatch(schema):
        raise typer.BadParameter(
            f"{schema!r}: lower-case letters, digits and underscores, 53 at most",
            param_hint="schema",
        )
    typer.echo(roles_script(schema), nl=False)


def roles_script(schema: str) -> str:
    """The script for a schema whose name was checked."""
    script = (resources.files(__package__) / "roles.sql").read_text(encoding="utf-8")
    names = {"schema": schema} | {role: f"{schema}_{role}" for role in ROLES}
    for name, value in names.items():
        script = script.replace(f"{{{name}}}", value).replace(f"{{{name}_text}}", f"'{value}'")
    return script
