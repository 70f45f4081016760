"""What the machine of the processes adds, and that only this machine is let in."""

from pathlib import Path

import httpx
import psutil

from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall.console.documents import InstanceView
from rollcall_cluster.console.processes import LocalProcesses
from rollcall_cluster.console.server import ConsoleServer
from rollcall_cluster.embedded.processes import ServerState, write_state
from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.home import Home
from tests.unit.console.moments import START

_ME = psutil.Process()
_SERVERS = {
    "ROLLCALL_KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092",
    "ROLLCALL_POSTGRES_DSN": "postgresql://ann:secret@db.example/els?password=secret",
    "ROLLCALL_REDIS_URL": "redis://:secret@redis.example:6379/0",
}


def home(directory: Path) -> Home:
    """Replica els-1 is this process, els-2 one that is gone."""
    found = Home(directory)
    found.instances.mkdir(parents=True)
    found.remember_cluster({}, _SERVERS)
    for name, created_at in (("els-1", _ME.create_time()), ("els-2", 1.0)):
        state = ServerState(_ME.pid, created_at, 4711)
        write_state(found.instances / f"{name}.json", state)
    return found


def view(instance_id: str, pid: int) -> InstanceView:
    """An instance that answers."""
    return InstanceView(
        instance_id=instance_id,
        host="host",
        pid=pid,
        http_url=None,
        started_at=START,
        silence_seconds=0,
        state="ready",
    )


def test_a_process_that_is_gone_is_known_before_its_heartbeat_is_missed(tmp_path: Path) -> None:
    processes = LocalProcesses(LocalCluster(home(tmp_path)))
    views, programs = processes([view("els-2-abc", 5), view("els-1-abc", _ME.pid)])
    assert [(v.process, v.state, v.problems) for v in views] == [
        ("els-1", "ready", []),
        ("els-2", "lost", ["its process is gone"]),
    ]
    assert [(p.name, p.status, p.pid) for p in programs[:2]] == [
        ("els-1", "running", _ME.pid),
        ("els-2", "dead", None),
    ]
    assert [program.address for program in programs[2:] if program.status == "external"] != []
    assert "secret" not in str(programs)


def test_the_predecessor_of_a_process_is_lost(tmp_path: Path) -> None:
    processes = LocalProcesses(LocalCluster(home(tmp_path)))
    views, _ = processes([view("els-1-old", 5), view("els-1-new", _ME.pid), view("other-1", 6)])
    assert [(v.instance_id, v.state) for v in views] == [
        ("els-1-new", "ready"),
        ("other-1", "ready"),
        ("els-1-old", "lost"),
    ]


def test_a_process_that_the_database_has_not_heard_of_is_starting(tmp_path: Path) -> None:
    views, _ = LocalProcesses(LocalCluster(home(tmp_path)))([])
    assert [(v.instance_id, v.state, v.started_at) for v in views] == [("els-1", "starting", None)]


async def test_pages_elsewhere_whose_name_points_here_are_refused() -> None:
    """Else a page of anybody could read this one through a name of its own (DNS rebinding)."""
    server = ConsoleServer(EssayLifecycleSettings(), None)
    transport = httpx.ASGITransport(server.app)
    async with httpx.AsyncClient(transport=transport, verify=False) as client:
        here = await client.get("http://127.0.0.1:1/console")
        elsewhere = await client.get("http://evil.example/console")
    assert (here.status_code, elsewhere.status_code) == (200, 400)
