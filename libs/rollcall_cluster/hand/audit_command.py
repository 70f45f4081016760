"""`rollcall audit list`: who did what by hand."""

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import orjson
import typer

from rollcall.operations.audit import AuditEntry, AuditFilter, AuditStore
from rollcall_cluster.dlq.deployment import Deployment
from rollcall_cluster.hand.printing import print_json
from rollcall_cluster.options import Json, group_of, moment
from rollcall_cluster.tables import print_table

_EPILOG = (
    "Examples: rollcall audit list --action complete; rollcall audit list --since 2026-03-01 --json"
)
_MOST_ID = 2**63 - 2


def audit_commands() -> typer.Typer:
    """Build the group of commands."""
    return group_of({"list": list_command, "show": show_command}, "Who did what by hand.", _EPILOG)


def list_command(
    action: Annotated[str | None, typer.Option(help="With this action, like pause.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="Done to what begins so: a topic, a batch.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="By whom; the beginning of the name.")] = None,
    since: Annotated[
        datetime | None, typer.Option(parser=moment, metavar="TIME", help="Done then or later.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(parser=moment, metavar="TIME", help="Done before.")
    ] = None,
    after: Annotated[
        int | None,
        typer.Option(
            metavar="ID", min=1, max=_MOST_ID, help="Begin behind this entry: the next page."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most that are shown.")] = 50,
    as_json: Json = False,
) -> None:
    """List what was done by hand, the newest first."""
    wanted = AuditFilter(action, subject, by, since, until, after)
    found = asyncio.run(_find(wanted, limit + 1))
    page, following = found[:limit], found[limit - 1].id if len(found) > limit else None
    if as_json:
        print_json({"entries": [asdict(entry) for entry in page], "after": following})
        return
    if not page:
        typer.echo("nothing was done by hand")
        return
    rows: list[tuple[object, ...]] = [
        (one.id, f"{one.at:%Y-%m-%d %H:%M:%S}", one.operator, one.action, one.subject, one.reason)
        for one in page
    ]
    headings = ("ID", "AT (UTC)", "BY", "ACTION", "SUBJECT", "REASON")
    print_table({heading: heading == "ID" for heading in headings}, rows)
    if following:
        typer.echo(f"\nthere are more: --after {following}")


def show_command(
    id_: Annotated[int, typer.Argument(metavar="ID", min=1, max=_MOST_ID)], as_json: Json = False
) -> None:
    """Show one entry: what its subject was before and after."""
    found = [
        entry for entry in asyncio.run(_find(AuditFilter(before_id=id_ + 1), 1)) if entry.id == id_
    ]
    if not found:
        typer.echo(f"there is no entry {id_}: see `rollcall audit list`", err=True)
        raise typer.Exit(1)
    (entry,) = found
    if as_json:
        print_json(asdict(entry))
        return
    typer.echo(f"{entry.id}  {entry.action}  {entry.subject}")
    typer.echo(f"by      {entry.operator}, {entry.at:%Y-%m-%d %H:%M:%S} UTC")
    typer.echo(f"reason  {entry.reason or '-'}")
    typer.echo(f"before  {orjson.dumps(entry.before).decode()}")
    typer.echo(f"after   {orjson.dumps(entry.after).decode()}")


async def _find(wanted: AuditFilter, limit: int) -> list[AuditEntry]:
    deployment = Deployment.of_environment()
    async with deployment.connection() as connection:
        return await AuditStore(deployment.group).find(connection, wanted, limit)
