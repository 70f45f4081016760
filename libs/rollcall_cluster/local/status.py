"""`rollcall status`: what runs, how well and how fast."""

import json
from dataclasses import asdict

import typer

from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.home import Home
from rollcall_cluster.local.observation import observe_once
from rollcall_cluster.local.tables import instance_table, server_rows, server_table
from rollcall_cluster.options import Json
from rollcall_cluster.tables import wide_console


def status_command(
    as_json: Json = False,
) -> None:
    """Show each replica's process, health, partitions, lag and rate, and each server.

    Examples:

      rollcall status

      watch -n1 rollcall status

      rollcall status --json | jq '.instances[] | select(.health != "ready")'
    """
    cluster = LocalCluster.existing(Home.current())
    observations = observe_once(cluster.replicas)
    if as_json:
        instances = [asdict(seen) for seen in observations]
        document = {"instances": instances, "servers": server_rows(cluster.servers)}
        typer.echo(json.dumps(document, indent=2))
        return
    console = wide_console()
    console.print(instance_table(observations))
    console.print()
    console.print(server_table(cluster.servers))
