"""The three servers together, each replaceable by one that the environment names."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from rollcall_cluster.embedded.kafka import EmbeddedKafka
from rollcall_cluster.embedded.postgres import EmbeddedPostgres
from rollcall_cluster.embedded.redis import EmbeddedRedis
from rollcall_cluster.embedded.server import EmbeddedServer

KAFKA_VARIABLE = "ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"
POSTGRES_VARIABLE = "ROLLCALL_POSTGRES_DSN"
REDIS_VARIABLE = "ROLLCALL_REDIS_URL"

_TITLES = {"kafka": "Kafka", "postgres": "PostgreSQL", "redis": "Redis"}


@dataclass(frozen=True, slots=True)
class ExternalServer:
    """A server that somebody else runs: only its address is ours to know."""

    name: str
    address: str


class EmbeddedServers:
    """Kafka, PostgreSQL and Redis in one directory; `ROLLCALL_*` addresses replace any of them.

    `addresses` holds these variables; without it, the environment does.
    """

    def __init__(self, directory: Path, addresses: Mapping[str, str] | None = None) -> None:
        given = os.environ if addresses is None else addresses
        self.directory = directory.absolute()
        self.kafka = _external("kafka", given.get(KAFKA_VARIABLE)) or EmbeddedKafka(
            directory / "kafka"
        )
        self.postgres = _external("postgres", given.get(POSTGRES_VARIABLE)) or EmbeddedPostgres(
            directory / "postgres"
        )
        self.redis = _external("redis", given.get(REDIS_VARIABLE)) or EmbeddedRedis(
            directory / "redis"
        )

    @property
    def all(self) -> tuple[EmbeddedServer | ExternalServer, ...]:
        """Kafka, PostgreSQL, Redis."""
        return (self.kafka, self.postgres, self.redis)

    @property
    def embedded(self) -> tuple[EmbeddedServer, ...]:
        """Those of them that are ours to start and stop."""
        return tuple(server for server in self.all if isinstance(server, EmbeddedServer))

    @property
    def beginning(self) -> str:
        """What `start` is about to do, for people: those of others are used as they are."""
        ours = [_TITLES[server.name] for server in self.embedded]
        others = [_TITLES[s.name] for s in self.all if isinstance(s, ExternalServer)]
        steps = [("starting", ours), ("using the given", others)]
        return ", ".join(f"{verb} {_listed(titles)}" for verb, titles in steps if titles)

    @property
    def running(self) -> bool:
        """Tell whether every server of ours runs."""
        return all(server.pid is not None for server in self.embedded)

    @property
    def external_addresses(self) -> dict[str, str]:
        """The variables of those that somebody else runs."""
        named = zip((KAFKA_VARIABLE, POSTGRES_VARIABLE, REDIS_VARIABLE), self.all, strict=True)
        return {
            variable: server.address
            for variable, server in named
            if isinstance(server, ExternalServer)
        }

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point a service at these servers, once they have started."""
        return {
            KAFKA_VARIABLE: self.kafka.address,
            POSTGRES_VARIABLE: self.postgres.address,
            REDIS_VARIABLE: self.redis.address,
        }

    def start(self, *, detached: bool = False, owner_pid: int | None = None) -> None:
        """Start all side by side; see EmbeddedServer.start. If one fails, none stays."""
        try:
            self._side_by_side(lambda server: server.start(detached=detached, owner_pid=owner_pid))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop all cleanly, side by side."""
        self._side_by_side(lambda server: server.stop())

    def wipe(self) -> None:
        """Stop all and delete their data."""
        self._side_by_side(lambda server: server.wipe())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _side_by_side(self, action: Callable[[EmbeddedServer], None]) -> None:
        servers = self.embedded
        if servers:
            with ThreadPoolExecutor(len(servers), thread_name_prefix="embedded") as pool:
                list(pool.map(action, servers))


def _listed(titles: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(titles[:-1]), titles[-1])))


def _external(name: str, address: str | None) -> ExternalServer | None:
    return ExternalServer(name, address) if address else None
