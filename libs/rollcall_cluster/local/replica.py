"""One replica of the service: a process of its own, known by name."""

import os
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from rollcall.access.environment import file_variable
from rollcall_cluster.embedded import processes
from rollcall_cluster.embedded.ports import free_port, is_free

SERVICE = (sys.executable, "-m", "essay_lifecycle_service", "run")
_STOP_DEADLINE_SECONDS = 12.0  # a replica promises 10


class Replica:
    """The replica `name`, running or not; its state and log are in `directory`."""

    def __init__(self, directory: Path, name: str) -> None:
        self.name = name
        self.log_file = directory / f"{name}.log"
        self.state_file = directory / f"{name}.json"

    @property
    def process(self) -> psutil.Process | None:
        """The process while it runs."""
        state = processes.read_state(self.state_file)
        return processes.find(state.pid, state.created_at) if state else None

    @property
    def port(self) -> int | None:
        """HTTP port of the present or last process; None before the first."""
        state = processes.read_state(self.state_file)
        return state.port if state else None

    @property
    def url(self) -> str:
        """Where it serves HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def start(
        self,
        environment: Mapping[str, str],
        owner_pid: int | None = None,
        program: Sequence[str] = SERVICE,
    ) -> None:
        """Start it on a free port; it ends with the process `owner_pid`, or stays if that is None."""
        port = self.port
        if port is None or not is_free(port):
            port = free_port()
        own = {
            "ROLLCALL_INSTANCE_ID": f"{self.name}-{secrets.token_hex(3)}",  # new for each process
            "ROLLCALL_HTTP_PORT": str(port),
        }
        process = processes.launch(
            program,
            self.log_file,
            environment={**_inherited(environment), **environment, **own},
        )
        state = processes.ServerState(process.pid, process.create_time(), port)
        processes.write_state(self.state_file, state)
        if owner_pid is not None:
            processes.guard(process, owner_pid, "TERM")

    def stop(self) -> None:
        """Stop it cleanly, by force after 12 s, and forget it; its log stays."""
        process = self.process
        if process is not None:
            processes.end(process, signal.SIGTERM, _STOP_DEADLINE_SECONDS)
        self.state_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """SIGKILL; the replica stays known as dead until it is started again."""
        process = self.process
        if process is not None:
            processes.kill(process)


def _inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """This process's own, without the files of secrets that were read already."""
    read = {file_variable(variable) for variable in environment}
    return {name: value for name, value in os.environ.items() if name not in read}
