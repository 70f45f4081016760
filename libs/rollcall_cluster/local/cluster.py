"""A local cluster: servers, schema, topics and replicas, brought up, resized and taken down."""

import asyncio
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from rollcall.access.environment import read_secret
from rollcall_cluster.embedded import EmbeddedServers
from rollcall_cluster.embedded.servers import POSTGRES_VARIABLE, REDIS_VARIABLE
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.local.home import Home
from rollcall_cluster.local.readiness import Report, wait_until_ready
from rollcall_cluster.local.replica import Replica

_SETTINGS = {
    "ROLLCALL_TOPIC_PREFIX": "",
    "ROLLCALL_CONSUMER_GROUP": "essay-lifecycle-service",
    "ROLLCALL_DATABASE_SCHEMA": "els",
    # A replica that was killed is replaced after so long.
    "ROLLCALL_SESSION_TIMEOUT_SECONDS": "6",
    "ROLLCALL_LANE_SESSION_TIMEOUT_SECONDS": "6",
}


class LocalCluster:
    """The cluster in `home`. It outlives this process, unless `owner_pid` says with whom it ends."""

    def __init__(self, home: Home, *, owner_pid: int | None = None) -> None:
        self.home = home
        self.servers = _servers(home)
        self._owner_pid = owner_pid

    @classmethod
    def existing(cls, home: Home) -> "LocalCluster":
        """Return the cluster that is up in `home`; raises ClusterError if there is none."""
        _ = home.environment
        return cls(home)

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
        from rollcall_cluster.local.provisioning import provision

        with self.home.locked():
            report(self.servers.beginning)
            self.servers.start(detached=self._owner_pid is None, owner_pid=self._owner_pid)
            environment = {**_settings(), **self.servers.environment, **(settings or {})}
            self.home.remember_cluster(environment, self.servers.external_addresses)
            report("creating schema and topics")
            provision(environment)
            self._resize(instances, report)

    def scale(self, instances: int, report: Report) -> None:
        """Have `instances` ready replicas: start missing and dead ones, stop the last ones."""
        with self.home.locked():
            self._resize(instances, report)

    def down(self, report: Report, *, wipe: bool = False) -> None:
        """Stop replicas, then servers; `wipe` deletes all data and logs. Without a home, nothing."""
        if not self.home.is_ours:
            return
        with self.home.locked():
            report("stopping replicas")
            _side_by_side(Replica.stop, self.replicas)
            report("stopping servers")
            self.servers.stop()
            self.home.forget_cluster()
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
        asyncio.run(wait_until_ready(wanted, report))

    def _replica(self, number: int) -> Replica:
        return Replica(self.home.instances, f"els-{number}")


def _number(name: str) -> int:
    return int(name.removeprefix("els-"))


def _settings() -> dict[str, str]:
    return {variable: os.environ.get(variable, default) for variable, default in _SETTINGS.items()}


def _servers(home: Home) -> EmbeddedServers:
    """The servers that the cluster was brought up with, else those that the environment says."""
    if home.has_cluster:
        return EmbeddedServers(home.servers, home.external_addresses)
    own = EmbeddedServers(home.servers, {}).embedded
    # After `eval "$(rollcall env)"`, the environment names our own servers: they stay embedded.
    known = {server.address for server in own if server.has_address}
    given = {name: value for name, value in os.environ.items() if value not in known}
    read = {name: read_secret(given, name) for name in (POSTGRES_VARIABLE, REDIS_VARIABLE)}
    found = {name: value for name, value in read.items() if value}
    return EmbeddedServers(home.servers, given | found)


def _side_by_side(action: Callable[[Replica], None], replicas: Iterable[Replica]) -> None:
    chosen = list(replicas)
    if chosen:
        with ThreadPoolExecutor(len(chosen)) as pool:
            list(pool.map(action, chosen))
