"""`rollcall kill`: a crash on demand."""

from typing import Annotated

import typer

from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.local.home import Home


def kill_command(
    instance: Annotated[str, typer.Argument(help="Name of the replica, such as els-2.")],
) -> None:
    """SIGKILL one replica. The others take over; `rollcall scale N` brings it back.

    Examples:

      rollcall kill els-2

      rollcall kill els-2 && rollcall scale 3 && rollcall verify
    """
    replica = LocalCluster.existing(Home.current()).replica(instance)
    process = replica.process
    if process is None:
        raise ClusterError(f"{instance} does not run", "`rollcall scale N` starts dead replicas")
    replica.kill()
    typer.echo(f"killed {instance} (pid {process.pid})")
