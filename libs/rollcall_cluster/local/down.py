"""`rollcall down`: stops everything."""

from typing import Annotated

import typer

from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.home import Home
from rollcall_cluster.local.steps import shown_steps


def down_command(
    wipe: Annotated[bool, typer.Option("--wipe", help="Delete all data and logs, too.")] = False,
) -> None:
    """Stop the replicas, then the servers. Data stays for the next `rollcall up`, unless wiped.

    Servers that are not embedded are left alone, and so are files of others in $ROLLCALL_HOME.

    Examples:

      rollcall down

      rollcall down --wipe
    """
    home = Home.current()
    if not home.is_ours:
        typer.echo(f"nothing to stop: there is no cluster in {home.directory}")
        return
    with shown_steps("everything is stopped" + (" and deleted" if wipe else "")) as report:
        LocalCluster(home).down(report, wipe=wipe)
