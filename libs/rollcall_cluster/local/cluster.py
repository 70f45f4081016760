"""A local cluster: servers, schema, topics and replicas, brought up, resized and taken down."""

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import httpx

from rollcall_cluster.embedded import EmbeddedServers
from rollcall_cluster.embedded.errors import log_tail
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.local.home import Home
from rollcall_cluster.local.replica import Replica

_READY_DEADLINE_SECONDS = 60.0
_POLL_SECONDS = 0.1
_SETTINGS = {
    "ROLLCALL_TOPIC_PREFIX": "",
    "ROLLCALL_CONSUMER_GROUP": "essay-lifecycle-service",
    "ROLLCALL_DATABASE_SCHEMA": "els",
    # A replica that was killed is replaced after so long.
    "ROLLCALL_SESSION_TIMEOUT_SECONDS": "6",
    "ROLLCALL_LANE_SESSION_TIMEOUT_SECONDS": "6",
}

Report = Callable[[str], None]  # told each step as it begins


class LocalCluster:
    """The cluster in `home`. It outlives this process, unless `owner_pid` says with whom it ends."""

    def __init__(self, home: Home, *, owner_pid: int | None = None) -> None:
        self.home = home
        self.servers = EmbeddedServers(home.servers)
        self._owner_pid = owner_pid

    @property
    def replicas(self) -> list[Replica]:
        """Every replica that was started and not stopped, dead ones included, by number."""
        names = (file.stem for file in self.home.instances.glob("els-*.json"))
        return [self._replica(_number(name)) for name in sorted(names, key=_number)]

    def replica(self, name: str) -> Replica:
        """Return the replica of that name; raises ClusterError if there is none."""
        for replica in self.replicas:
            if replica.name == name:
                return replica
        known = ", ".join(replica.name for replica in self.replicas) or "none"
        raise ClusterError(f"there is no instance {name!r}", f"known instances: {known}")

    def up(self, instances: int, report: Report, settings: dict[str, str] | None = None) -> None:
        """Start what does not run, and return when all `instances` replicas are ready.

        `settings` are variables for the replicas that win over the defaults and the environment.
        """
        with self.home.locked():
            report("starting Kafka, PostgreSQL and Redis")
            self.servers.start(detached=self._owner_pid is None, owner_pid=self._owner_pid)
            environment = {**_settings(), **self.servers.environment, **(settings or {})}
            report("creating schema and topics")
            _provision(environment)
            self.home.remember_environment(environment)
            self._resize(instances, report)

    def scale(self, instances: int, report: Report) -> None:
        """Have `instances` ready replicas: start missing and dead ones, stop the last ones."""
        with self.home.locked():
            self._resize(instances, report)

    def down(self, report: Report, *, wipe: bool = False) -> None:
        """Stop replicas, then servers; `wipe` deletes all data and logs."""
        with self.home.locked():
            report("stopping replicas")
            _side_by_side(Replica.stop, self.replicas)
            report("stopping servers")
            self.servers.wipe() if wipe else self.servers.stop()
            self.home.forget_environment()
            if wipe:
                self.home.wipe()

    def start_replica(self, number: int) -> Replica:
        """Start one replica without waiting for it."""
        replica = self._replica(number)
        if replica.process is None:
            replica.start(self.home.environment, self._owner_pid)
        return replica

    def _resize(self, instances: int, report: Report) -> None:
        surplus = [replica for replica in self.replicas if _number(replica.name) > instances]
        if surplus:
            report(f"stopping {', '.join(replica.name for replica in surplus)}")
            _side_by_side(Replica.stop, surplus)
        wanted = [self.start_replica(number) for number in range(1, instances + 1)]
        asyncio.run(_all_ready(wanted, report))

    def _replica(self, number: int) -> Replica:
        return Replica(self.home.instances, f"els-{number}")


def _number(name: str) -> int:
    return int(name.removeprefix("els-"))


def _settings() -> dict[str, str]:
    import os

    return {variable: os.environ.get(variable, default) for variable, default in _SETTINGS.items()}


def _side_by_side(action: Callable[[Replica], None], replicas: Iterable[Replica]) -> None:
    chosen = list(replicas)
    if chosen:
        with ThreadPoolExecutor(len(chosen)) as pool:
            list(pool.map(action, chosen))


def _provision(environment: dict[str, str]) -> None:
    """Create or upgrade the schema and create missing topics."""
    from essay_lifecycle_service import migrations_folders
    from rollcall.database.migrations import migrate

    dsn = environment["ROLLCALL_POSTGRES_DSN"]
    migrate(dsn, environment["ROLLCALL_DATABASE_SCHEMA"], migrations_folders())
    asyncio.run(_create_topics(environment))


async def _create_topics(environment: dict[str, str]) -> None:
    from rollcall.settings import ServiceSettings
    from rollcall.topic_admin import TopicAdmin
    from rollcall.topology import Topology
    from rollcall_events.topics import TOPICS

    settings = ServiceSettings(
        kafka_bootstrap_servers=environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"],
        topic_prefix=environment["ROLLCALL_TOPIC_PREFIX"],
    )
    async with TopicAdmin(settings, Topology(TOPICS)) as admin:
        await admin.create_missing()


async def _all_ready(replicas: list[Replica], report: Report) -> None:
    deadline = time.monotonic() + _READY_DEADLINE_SECONDS
    waiting = list(replicas)
    reported = None
    async with httpx.AsyncClient(timeout=2) as client:
        while waiting:
            if reported != len(waiting):
                reported = len(waiting)
                report(f"waiting for replicas: {len(replicas) - reported} of {len(replicas)} ready")
            ready = await asyncio.gather(*(_is_ready(client, replica) for replica in waiting))
            waiting = [
                replica for replica, is_ready in zip(waiting, ready, strict=True) if not is_ready
            ]
            if waiting and time.monotonic() > deadline:
                raise _not_ready(waiting[0], f"is not ready after {_READY_DEADLINE_SECONDS:.0f} s")
            await asyncio.sleep(_POLL_SECONDS if waiting else 0)


async def _is_ready(client: httpx.AsyncClient, replica: Replica) -> bool:
    if replica.process is None:
        raise _not_ready(replica, "ended while it started")
    try:
        return (await client.get(f"{replica.url}/healthz/ready")).status_code == 200
    except httpx.TransportError:
        return False


def _not_ready(replica: Replica, happened: str) -> ClusterError:
    tail = log_tail(replica.log_file)
    return ClusterError(
        f"{replica.name} {happened}; the end of {replica.log_file}:\n{tail}",
        "see the log above; `rollcall down` stops the rest",
    )
