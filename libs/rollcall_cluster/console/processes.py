"""What the processes of a local cluster add to the instances that the database knows."""

import socket

from rollcall.console.documents import InstanceView, Program
from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.replica import Replica
from rollcall_cluster.local.tables import server_rows


class LocalProcesses:
    """The replicas and servers of one local cluster."""

    def __init__(self, cluster: LocalCluster) -> None:
        self._cluster = cluster

    def __call__(self, instances: list[InstanceView]) -> tuple[list[InstanceView], list[Program]]:
        """The instances with the names of their processes, and all processes."""
        replicas = {replica: _pid(replica) for replica in self._cluster.replicas}
        views = [_annotated(view, replicas) for view in instances]
        known = {view.pid for view in views}
        starting = [
            _starting(replica, pid)
            for replica, pid in replicas.items()
            if pid is not None and pid not in known
        ]
        programs = [_program(replica, pid) for replica, pid in replicas.items()]
        servers = [Program.model_validate(row) for row in server_rows(self._cluster.servers)]
        return sorted(
            [*views, *starting], key=lambda view: view.state == "lost"
        ), programs + servers


def _pid(replica: Replica) -> int | None:
    process = replica.process
    return process.pid if process else None


def _annotated(view: InstanceView, replicas: dict[Replica, int | None]) -> InstanceView:
    """Ids of local instances are the replica's name and a random part."""
    for replica, pid in replicas.items():
        if not view.instance_id.startswith(f"{replica.name}-"):
            continue
        if pid == view.pid:
            return view.model_copy(update={"process": replica.name})
        return view.model_copy(
            update={
                "process": replica.name,
                "state": "lost",
                "problems": ["its process is gone"],
            }
        )
    return view


def _starting(replica: Replica, pid: int) -> InstanceView:
    """A process that has not said anything to the database yet."""
    return InstanceView(
        instance_id=replica.name,
        process=replica.name,
        host=socket.gethostname(),
        pid=pid,
        http_url=replica.url,
        started_at=None,
        silence_seconds=0,
        state="starting",
    )


def _program(replica: Replica, pid: int | None) -> Program:
    return Program(
        name=replica.name,
        status="dead" if pid is None else "running",
        pid=pid,
        address=replica.url,
    )
