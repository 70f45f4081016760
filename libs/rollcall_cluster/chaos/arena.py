"""What a fault can lay its hands on."""

import os
import random
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from rollcall_cluster.chaos.fleet import Fleet
from rollcall_cluster.chaos.load import Load
from rollcall_cluster.chaos.routes import bypassed
from rollcall_cluster.chaos.world import World
from rollcall_cluster.embedded import EmbeddedServer, EmbeddedServers

_DATABASE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Powers:
    """What may be broken here: our own servers, not those of others."""

    embedded: frozenset[str]
    """Names of the servers that are ours."""
    instances: int
    can_mount: bool
    bypassed: Mapping[str, str] = field(default_factory=dict)
    """Servers to which connections pass no proxy of ours, and why."""

    @classmethod
    def over(cls, servers: EmbeddedServers, instances: int) -> "Powers":
        """The powers that this process has."""
        can_mount = sys.platform == "linux" and os.geteuid() == 0
        ours = frozenset(server.name for server in servers.embedded)
        return cls(ours, instances, can_mount, bypassed(servers.external_addresses))


@dataclass(slots=True)
class Arena:
    """One deployment under load, and the servers below it."""

    world: World
    fleet: Fleet
    servers: EmbeddedServers
    load: Load
    session_seconds: int
    draws: random.Random
    """Reproducible from the seed: which replica, which delay."""

    def any_replica(self) -> int:
        """Draw the number of a replica."""
        return self.draws.randint(1, self.fleet.size)

    def server(self, name: str) -> EmbeddedServer:
        """One of our own servers."""
        return next(server for server in self.servers.embedded if server.name == name)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection past the proxies, with the deployment's schema."""
        connection = await self.connect()
        try:
            yield connection
        finally:
            connection.terminate()

    async def connect(self) -> asyncpg.Connection:
        """Open such a connection; it is the caller's to end."""
        return await asyncpg.connect(
            self.world.dsn,
            timeout=_DATABASE_SECONDS,
            command_timeout=_DATABASE_SECONDS,
            server_settings={
                "search_path": self.world.schema,
                "application_name": "rollcall-chaos",
            },
        )
