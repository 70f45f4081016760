"""Where scenarios run: instances of our own on embedded or given servers, or a deployment that runs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum

from rollcall_cluster.chaos.world import World
from rollcall_cluster.embedded.servers import KAFKA_VARIABLE, POSTGRES_VARIABLE, REDIS_VARIABLE
from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.local.own_cluster import own_name
from rollcall_cluster.scenarios.stage import OnStep, Stage, open_stage
from rollcall_cluster.testing.temporary import INSTANCES_VARIABLE

_SESSION_SECONDS = 6


class Servers(StrEnum):
    """Whose servers and instances."""

    EMBEDDED = "embedded"
    EXTERNAL = "external"
    COMPOSE = "compose"


_NAMES = {
    "ROLLCALL_TOPIC_PREFIX": "",
    "ROLLCALL_CONSUMER_GROUP": "essay-lifecycle-service",
    "ROLLCALL_DATABASE_SCHEMA": "els",
}


def servers_of(environment: Mapping[str, str]) -> Servers:
    """What the environment speaks of: running instances, servers, or neither."""
    if environment.get(INSTANCES_VARIABLE):
        return Servers.COMPOSE
    named = [environment.get(each) for each in (KAFKA_VARIABLE, POSTGRES_VARIABLE)]
    return Servers.EXTERNAL if any(named) else Servers.EMBEDDED


class OwnSite:
    """Instances of our own, under names that nobody else uses; restarted only for other settings."""

    def __init__(self, cluster: LocalCluster, instances: int) -> None:
        self._cluster = cluster
        self._instances = instances
        self._names = World.named(own_name(cluster), {}, _SESSION_SECONDS).environment
        self._running: Mapping[str, str] | None = None

    @asynccontextmanager
    async def stage(
        self, settings: Mapping[str, str] | None, duration_seconds: float, on_step: OnStep
    ) -> AsyncIterator[Stage]:
        """Ready instances with these settings, or with any."""
        if self._running is None or settings not in (None, self._running):
            await self._restart(settings or {}, on_step)
        urls = [replica.url for replica in self._cluster.replicas]
        environment = self._cluster.home.environment
        async with open_stage(environment, urls, self._cluster, duration_seconds, on_step) as stage:
            yield stage

    def disturbed(self) -> None:
        """The instances may not be what they were."""
        self._running = None

    async def _restart(self, settings: Mapping[str, str], on_step: OnStep) -> None:
        self._running = None
        if self._cluster.replicas:
            await asyncio.to_thread(self._cluster.scale, 0, on_step)
        names = {**self._names, **settings}
        await asyncio.to_thread(self._cluster.up, self._instances, on_step, names)
        self._running = settings


class RunningSite:
    """A deployment that somebody else runs: nothing is started, stopped or broken."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    @asynccontextmanager
    async def stage(
        self, settings: Mapping[str, str] | None, duration_seconds: float, on_step: OnStep
    ) -> AsyncIterator[Stage]:
        """The deployment as it is; its settings stay."""
        urls = [url for url in self._environment[INSTANCES_VARIABLE].split(",") if url]
        async with open_stage(self._environment, urls, None, duration_seconds, on_step) as stage:
            yield stage

    def disturbed(self) -> None:
        """It is not ours to mend."""


Site = OwnSite | RunningSite


def running_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What names a running deployment; without any variable, the rig on its published ports.

    Raises:
        ClusterError: instances are named, and their servers are not.
    """
    if not environment.get(INSTANCES_VARIABLE):
        return {**_NAMES, **_rig(environment)}
    missing = [name for name in (KAFKA_VARIABLE, POSTGRES_VARIABLE) if not environment.get(name)]
    if missing:
        raise ClusterError(
            f"{INSTANCES_VARIABLE} names instances and {' and '.join(missing)} not their servers",
            f"set {' and '.join(missing)} to what the instances use",
        )
    return {**_NAMES, **environment}


def _rig(environment: Mapping[str, str]) -> dict[str, str]:
    """Where the compose file publishes its ports, which RIG_* variables move; docs/rig.md."""

    def port(name: str, usual: int) -> str:
        return f"127.0.0.1:{environment.get(f'RIG_{name}_PORT', usual)}"

    password = environment.get("RIG_PASSWORD", "rollcall")
    return {
        INSTANCES_VARIABLE: f"http://{port('HTTP', 28080)}",
        KAFKA_VARIABLE: port("KAFKA", 29092),
        POSTGRES_VARIABLE: f"postgresql://postgres:{password}@{port('POSTGRES', 25432)}/rollcall",
        REDIS_VARIABLE: f"redis://{port('REDIS', 26379)}/0",
    }
