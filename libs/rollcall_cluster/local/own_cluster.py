"""A cluster that one command has for itself and that is gone afterwards, however the command ends."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.home import Home
from rollcall_cluster.local.provisioning import discard
from rollcall_cluster.local.readiness import Report
from rollcall_cluster.local.steps import shown_steps


@contextmanager
def own_cluster(prefix: str) -> Iterator[LocalCluster]:
    """A cluster in a directory `prefix`PID of the home, stopped and deleted at the end in any case.

    It belongs to this process: nothing of it outlives a SIGKILL by more than a second or two.
    """
    parent = Home.current().directory
    _delete_orphans(parent, prefix)
    cluster = LocalCluster(Home(parent / f"{prefix}{os.getpid()}"), owner_pid=os.getpid())
    signal.signal(signal.SIGTERM, _exit)
    try:
        yield cluster
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # the rest takes a second or two
        with shown_steps("stopped and deleted") as report:
            _delete(cluster, report)
        with suppress(OSError):
            parent.rmdir()  # if nothing else is in it


def _delete(cluster: LocalCluster, report: Report) -> None:
    if cluster.servers.external_addresses and cluster.home.has_cluster:
        environment = cluster.home.environment
        cluster.scale(0, report)
        report("deleting schema and topics")
        discard(environment)
    cluster.down(report, wipe=True)


def _exit(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _delete_orphans(parent: Path, prefix: str) -> None:
    """Delete what was left by owners that were killed; their processes ended with them."""
    for directory in parent.glob(f"{prefix}*"):
        pid = directory.name.removeprefix(prefix)
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            LocalCluster(Home(directory)).down(lambda _: None, wipe=True)
