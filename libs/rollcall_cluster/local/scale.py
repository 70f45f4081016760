"""`rollcall scale`: changes the number of replicas."""

from typing import Annotated

import typer

from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.home import Home
from rollcall_cluster.local.observation import observe_once
from rollcall_cluster.local.steps import shown_steps
from rollcall_cluster.local.tables import instance_table
from rollcall_cluster.tables import wide_console


def scale_command(
    instances: Annotated[int, typer.Argument(min=0, max=64, help="Number of replicas.")],
) -> None:
    """Have N ready replicas: start missing and dead ones, stop surplus ones cleanly.

    Examples:

      rollcall scale 5

      rollcall scale 0        keep the servers alone
    """
    cluster = LocalCluster.existing(Home.current())
    with shown_steps(f"replicas ready: {instances},") as report:
        cluster.scale(instances, report)
    wide_console().print(instance_table(observe_once(cluster.replicas)))
