"""The rig as a test drives it: docker compose, and HTTP from the host."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from rollcall_cluster.embedded.ports import free_port

ROOT = Path(__file__).parents[2]
_FILE = "docker-compose.distributed-test.yml"
_PORTS = ("HTTP", "KAFKA", "POSTGRES", "REDIS", "PROMETHEUS", "GRAFANA")
_UP_SECONDS = 600
_RECOVERY_SECONDS = 120
_PAUSE_SECONDS = 2


class Rig:
    """One deployment of the compose file, under a project name and on ports of its own."""

    def __init__(self, project: str) -> None:
        self._ports = {name: free_port() for name in _PORTS}
        self._environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": project,
            "COMPOSE_FILE": _FILE,
            "COMPOSE_PROFILES": "exporters",
            "COMPOSE_PROGRESS": "plain",
            **self.ports,
        }

    @property
    def ports(self) -> dict[str, str]:
        """The variables that say which ports are published."""
        return {f"RIG_{name}_PORT": str(port) for name, port in self._ports.items()}

    def url(self, name: str) -> str:
        """Where HTTP, PROMETHEUS or GRAFANA answers, seen from the host."""
        return f"http://127.0.0.1:{self._ports[name]}"

    def compose(self, *arguments: str, seconds: float = 180, expect: int | None = 0) -> str:
        """Run docker compose; returns what it printed."""
        return self._run("docker", "compose", *arguments, seconds=seconds, expect=expect)

    def docker(self, *arguments: str) -> str:
        """Run docker; returns what it printed."""
        return self._run("docker", *arguments, seconds=60, expect=0)

    def up(self, replicas: int = 3) -> None:
        """Have everything healthy, with so many replicas.

        Compose gives up as soon as it sees a container that is unhealthy, even one that is just
        recovering from what a test did to it: it is asked again for two minutes.
        """
        deadline = time.monotonic() + _RECOVERY_SECONDS
        command = ("up", "-d", "--wait", "--scale", f"els={replicas}")
        while True:
            try:
                self.compose(*command, seconds=_UP_SECONDS)
            except AssertionError as failed:
                if "is unhealthy" not in str(failed) or time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_SECONDS)
            else:
                return

    def down(self) -> None:
        """Remove everything, with its data."""
        self.compose("down", "-v", "--remove-orphans", "-t", "5", expect=None)

    def replicas(self) -> list[str]:
        """Names of the running replicas' containers."""
        return self.compose("ps", "-q", "--status", "running", "els").split()

    def verify(self) -> dict:
        """The audit, from inside; fails unless every invariant holds."""
        told = self.compose("run", "--rm", "-T", "verify", "--json", "--at-rest", seconds=300)
        return json.loads(told[told.index("{") : told.rindex("}") + 1])

    @contextmanager
    def paused(self, service: str) -> Iterator[None]:
        """Freeze a service."""
        self.compose("pause", service)
        try:
            yield
        finally:
            self.compose("unpause", service)

    def client(self) -> httpx.AsyncClient:
        """A client of the load balancer."""
        return httpx.AsyncClient(base_url=self.url("HTTP"), timeout=40)

    def _run(self, *command: str, seconds: float, expect: int | None) -> str:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
        )
        told = done.stdout + done.stderr
        assert expect is None or done.returncode == expect, f"{' '.join(command)}:\n{told}"
        return done.stdout if expect is not None else told
