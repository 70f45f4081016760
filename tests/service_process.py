"""One service process under test: started, watched, signalled and killed by its own pid."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import httpx

from rollcall_cluster.embedded.errors import log_tail
from rollcall_cluster.embedded.ports import free_port
from tests.eventually import DEADLINE_SECONDS, eventually
from tests.http_client import http_client


class Running(Protocol):
    """A process, as `subprocess.Popen` shows it."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def send_signal(self, number: signal.Signals, /) -> None: ...
    def kill(self) -> None: ...
    def wait(self, timeout: float) -> int | None: ...


class ServiceProcess:
    """What `start` starts with an environment and a log file, with HTTP on a free port."""

    def __init__(
        self,
        instance_id: str,
        *,
        environment: Mapping[str, str],
        log_file: Path,
        start: Callable[[Mapping[str, str], Path], Running],
    ) -> None:
        self.instance_id = instance_id
        self.log_file = log_file
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        own = {"ROLLCALL_HTTP_PORT": str(port), "ROLLCALL_INSTANCE_ID": instance_id}
        self._process = start({**environment, **own}, log_file)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def log(self) -> str:
        """All output so far."""
        return self.log_file.read_text()

    def log_events(self, event: str) -> list[dict[str, Any]]:
        """Structured log lines with this event name, oldest first."""
        ended = (line for line in self.log.splitlines(keepends=True) if line.endswith("\n"))
        lines = (line for line in ended if line.startswith("{"))
        return [entry for line in lines if (entry := json.loads(line)).get("event") == event]

    async def wait_ready(self, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        """Return once /healthz/ready says 200; else fail with the end of the log."""
        await eventually(self._is_ready, deadline_seconds=deadline_seconds, message=self.story)

    async def wait_exit(self, deadline_seconds: float = DEADLINE_SECONDS) -> int:
        """Return the exit code once the process has ended."""
        await eventually(
            lambda: self.exit_code is not None,
            deadline_seconds=deadline_seconds,
            message=lambda: f"end of {self.story()}",
        )
        assert self.exit_code is not None
        return self.exit_code

    async def instance(self) -> dict[str, Any]:
        """What /v1/instance says."""
        async with http_client() as client:
            return (await client.get(f"{self.url}/v1/instance")).raise_for_status().json()

    def terminate(self) -> None:
        """SIGTERM: a clean stop."""
        self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """SIGSTOP: the process stalls, its connections stay open."""
        self._process.send_signal(signal.SIGSTOP)

    def cont(self) -> None:
        """SIGCONT after stop()."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone; harmless if it is already."""
        self._process.kill()
        self._process.wait(timeout=DEADLINE_SECONDS)

    async def _is_ready(self) -> bool:
        if self.exit_code is not None:
            raise RuntimeError(f"{self.story()} ended with {self.exit_code}")
        try:
            async with http_client(5) as client:
                return (await client.get(f"{self.url}/healthz/ready")).status_code == 200
        except httpx.TransportError:
            return False

    def story(self) -> str:
        """Its name and the end of its log, for messages."""
        return f"{self.instance_id}, log:\n{log_tail(self.log_file)}\n"


def start_module(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], log_file: Path
) -> Running:
    """`python -m MODULE ARGUMENT...`, with its output in `log_file`."""
    with log_file.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
        )
