"""Redis servers of a test's own: alone, as master and replica, watched by Sentinels, or as a Cluster."""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from rollcall_cluster.embedded import ports
from rollcall_cluster.embedded.redis import EmbeddedRedis, redis_program
from tests.eventually import eventually

CLUSTER_SLOTS = 16_384


class OwnRedis(EmbeddedRedis):
    """A server with settings of its own, and what can be done to it."""

    def __init__(self, directory: Path, **changes: str) -> None:
        super().__init__(directory)
        self.changes = changes

    def settings(self) -> dict[str, str]:
        """Those of an embedded server but for the changes."""
        return super().settings() | {"appendonly": "no"} | self.changes

    def client(self) -> Redis:
        """A client of its own, which may do everything."""
        return Redis(port=self.port, socket_timeout=10)

    async def ask(self, *words: Any) -> Any:
        """Send one command on a connection of its own."""
        async with self.client() as client:
            return await client.execute_command(*words)

    def freeze(self) -> None:
        """Answer nothing; connections stay."""
        assert self.pid
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        assert self.pid
        os.kill(self.pid, signal.SIGCONT)


class OwnSentinel(OwnRedis):
    """A Sentinel; it watches the master that its configuration names."""

    def __init__(self, directory: Path, master: OwnRedis, quorum: int) -> None:
        super().__init__(directory)
        self._master = master
        self._quorum = quorum

    async def master_state(self) -> dict[str, Any]:
        """What it knows of the master."""
        async with self.client() as client:
            state: dict[str, Any] = await client.sentinel_master("main")
            return state

    def command(self) -> Sequence[str | Path]:
        """A Sentinel rewrites its configuration file, so it has one."""
        file = self.directory / "sentinel.conf"
        file.write_text("\n".join(self.lines()) + "\n")
        return [redis_program(), file, "--sentinel"]

    def lines(self) -> list[str]:
        """Its configuration."""
        return [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {self.data_directory}",
            f"sentinel monitor main 127.0.0.1 {self._master.port} {self._quorum}",
            "sentinel down-after-milliseconds main 500",
            "sentinel failover-timeout main 3000",
        ]


class OwnServers:
    """Starts servers in one directory, and ends all of them; of the kinds that are given."""

    def __init__(
        self,
        directory: Path,
        redis: Callable[..., OwnRedis] = OwnRedis,
        sentinel: Callable[..., OwnSentinel] = OwnSentinel,
    ) -> None:
        self._directory = directory
        self._redis = redis
        self._sentinel = sentinel
        self._servers: list[OwnRedis] = []

    def start(self, **changes: str) -> OwnRedis:
        """One server; `changes` are settings with _ for -."""
        settings = {name.replace("_", "-"): value for name, value in changes.items()}
        return self._started(self._redis(self._next(), **settings))

    def _started(self, server: Any) -> Any:
        self._servers.append(server)
        server.start()
        return server

    def _next(self) -> Path:
        return self._directory / f"redis-{len(self._servers)}"

    async def replicated(self) -> tuple[OwnRedis, OwnRedis]:
        """A master and its replica, in step."""
        master = self.start(repl_diskless_sync_delay="0")
        replica = self.start(replicaof=f"127.0.0.1 {master.port}", repl_diskless_sync_delay="0")

        async def linked() -> bool:
            return (await replica.ask("INFO", "replication"))["master_link_status"] == "up"

        await eventually(linked, message="the replica follows")
        return master, replica

    async def with_sentinels(self, count: int = 3) -> tuple[OwnRedis, OwnRedis, str]:
        """Master, replica and the address of the Sentinels that watch them."""
        master, replica = await self.replicated()
        sentinels: list[OwnSentinel] = [
            self._started(self._sentinel(self._next(), master, count // 2 + 1))
            for _ in range(count)
        ]

        async def all_known() -> bool:
            states = [await sentinel.master_state() for sentinel in sentinels]
            return all(
                (state["num-slaves"], state["num-other-sentinels"]) == (1, count - 1)
                for state in states
            )

        await eventually(all_known, deadline_seconds=40, message="Sentinels know each other")
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in sentinels)
        return master, replica, f"redis+sentinel://{hosts}/main"

    async def cluster(self, masters: int = 3) -> list[OwnRedis]:
        """A Cluster of masters without replicas that share all slots."""
        nodes = []
        for _ in range(masters):
            bus = str(ports.free_port())
            nodes.append(
                self.start(
                    cluster_enabled="yes", cluster_port=bus, cluster_require_full_coverage="no"
                )
            )
        share = CLUSTER_SLOTS // masters
        for number, node in enumerate(nodes):
            last = CLUSTER_SLOTS if number == masters - 1 else (number + 1) * share
            await node.ask("CLUSTER", "ADDSLOTSRANGE", number * share, last - 1)
            bus = node.changes["cluster-port"]
            await nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
            await node.ask("CONFIG", "SET", "cluster-node-timeout", "2000")

        async def agreed() -> bool:
            infos = [(await node.ask("CLUSTER", "INFO")).decode().split() for node in nodes]
            wanted = {"cluster_state:ok", f"cluster_known_nodes:{masters}"}
            return all(wanted <= set(info) for info in infos)

        await eventually(agreed, deadline_seconds=40, message="the Cluster is up")
        return nodes

    def kill_sentinels(self) -> None:
        """Nobody tells a master any more that it is none."""
        for server in self._servers:
            if isinstance(server, OwnSentinel):
                server.kill()

    def close(self) -> None:
        """End and delete all of them."""
        for server in self._servers:
            if server.pid:
                server.thaw()
                server.kill()
            server.wipe()


async def promote(replica: OwnRedis) -> None:
    """Make a replica a master by hand; its former master is not told."""
    await replica.ask("REPLICAOF", "NO", "ONE")


def append_only_file(redis: OwnRedis) -> Path:
    """What a server with `appendonly` has written since its start."""
    (file,) = redis.data_directory.glob("appendonlydir/*.incr.aof")
    return file
