"""A cluster that one command has for itself and that is gone afterwards, however the command ends."""

import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

import psutil
import typer

from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.ending import end_on_signals, ignore_signals
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.local.home import Home
from rollcall_cluster.local.provisioning import discard
from rollcall_cluster.local.readiness import Report
from rollcall_cluster.local.steps import shown_steps

_OURS = "rollcall_"


def own_name(cluster: LocalCluster) -> str:
    """A name for schema and topics on servers of others, that no other run has."""
    return _OURS + cluster.home.directory.name.replace("-", "_")


@contextmanager
def own_cluster(prefix: str) -> Iterator[LocalCluster]:
    """A cluster in a new directory `prefix`* of the home, stopped and deleted at the end in any case.

    It belongs to this process: nothing of it outlives a SIGKILL by more than a second or two.
    """
    parent = Home.current().directory
    _delete_orphans(parent, prefix)
    home = Home(parent / f"{prefix}{secrets.token_hex(6)}")
    with home.owned():
        cluster = LocalCluster(home, owner_pid=os.getpid())
        end_on_signals()
        try:
            yield cluster
        finally:
            ignore_signals()
            with shown_steps("stopped and deleted") as report:
                left = _delete(cluster, report)
            if left is not None:
                typer.echo(left, err=True)
            with suppress(OSError):
                parent.rmdir()  # if nothing else is in it


def _delete(cluster: LocalCluster, report: Report) -> ClusterError | None:
    """Stop and delete everything; returns what prevents it on servers of others."""
    try:
        _discard(cluster, report)
    except ClusterError as error:
        return error
    finally:
        cluster.down(report, wipe=True)
    return None


def _discard(cluster: LocalCluster, report: Report) -> None:
    """Delete schema and topics that are on servers of others.

    Raises ClusterError when something may be left.
    """
    if not (cluster.servers.external_addresses and cluster.home.has_cluster):
        return
    environment = cluster.home.environment
    if environment["ROLLCALL_DATABASE_SCHEMA"].startswith(_OURS):
        cluster.scale(0, report)
        report("deleting schema and topics")
        discard(environment, cluster.servers.external_addresses)


def _delete_orphans(parent: Path, prefix: str) -> None:
    """Delete what was left by owners that were killed; their processes ended with them."""
    for directory in parent.glob(f"{prefix}*"):
        home = Home(directory)
        if home.is_marked:
            claimed: AbstractContextManager[object] | None = home.claim()
        else:
            claimed = _of_an_earlier_version(home, directory.name.removeprefix(prefix))
        if claimed is not None:
            with claimed:
                _delete_orphan(LocalCluster(home))


def _delete_orphan(cluster: LocalCluster) -> None:
    """What cannot be deleted on servers of others keeps its folder, for the next run to try again."""
    try:
        _discard(cluster, lambda _: None)
    except ClusterError as error:
        directory = cluster.home.directory
        typer.echo(f"left by an earlier run, {directory} names it: {error}", err=True)
        return
    cluster.down(lambda _: None, wipe=True)


def _of_an_earlier_version(home: Home, pid: str) -> AbstractContextManager[object] | None:
    """Those name their owner's process and have no marker."""
    orphaned = home.is_ours and pid.isdecimal() and not psutil.pid_exists(int(pid))
    return nullcontext() if orphaned else None
