"""`rollcall up`: brings a cluster up and leaves it running."""

from typing import Annotated

import typer

from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.home import Home
from rollcall_cluster.local.observation import observe_once
from rollcall_cluster.local.steps import shown_steps
from rollcall_cluster.local.tables import instance_table
from rollcall_cluster.tables import wide_console


def up_command(
    instances: Annotated[
        int, typer.Option("--instances", "-n", min=0, max=64, help="Number of replicas.")
    ] = 3,
) -> None:
    """Start Kafka, PostgreSQL and Redis, create schema and topics, start N replicas.

    Everything stays until `rollcall down`. What runs already is kept. A server named
    by ROLLCALL_KAFKA_BOOTSTRAP_SERVERS, ROLLCALL_POSTGRES_DSN or ROLLCALL_REDIS_URL
    is used in place of an embedded one.

    Examples:

      rollcall up

      rollcall up --instances 5

      ROLLCALL_LOG_LEVEL=DEBUG rollcall up -n 1
    """
    cluster = LocalCluster(Home.current())
    with shown_steps(f"replicas ready: {instances},") as report:
        cluster.up(instances, report)
    console = wide_console()
    console.print(instance_table(observe_once(cluster.replicas)))
    console.print("\nWatch it in the browser: rollcall console --open")
