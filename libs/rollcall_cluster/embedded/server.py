"""What the embedded servers have in common: one directory, one process, one free port."""

import os
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import psutil

from rollcall_cluster.embedded import ports, processes
from rollcall_cluster.embedded.errors import EmbeddedServerError, log_tail
from rollcall_cluster.embedded.file_lock import file_lock

_POLL_SECONDS = 0.02
_ADOPTION_SECONDS = 5.0
_START_ATTEMPTS = 3
_PARTIAL_DATA = "data.partial"
_LOCK_FILE = ".lock"


class EmbeddedServer(ABC):
    """A real server that lives in `directory` (its data, log and state) on 127.0.0.1.

    Without `port`, it takes a free one and keeps it over restarts as long as nobody else uses it.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[str]  # without SIG
    ready_deadline_seconds: ClassVar[float] = 60.0
    stop_deadline_seconds: ClassVar[float] = 10.0

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        self.directory = directory.absolute()
        self.data_directory = self.directory / "data"
        self.log_file = self.directory / f"{self.name}.log"
        self._state_file = self.directory / "state.json"
        self._wanted_port = port
        state = processes.read_state(self._state_file)
        self._port = port or (state.port if state else None)

    @classmethod
    def attach(cls, directory: Path) -> Self | None:
        """Return the server that runs in `directory`, or None if none does."""
        server = cls(directory)
        return server if server._process() is not None else None

    @property
    @abstractmethod
    def address(self) -> str:
        """Where clients connect to."""

    @property
    def has_address(self) -> bool:
        """Tell whether it was started before, so that it has a port."""
        return self._port is not None

    @property
    def port(self) -> int:
        """The TCP port; known from the first start on."""
        if self._port is None:
            raise EmbeddedServerError(f"{self.name} has no port yet", "call start() first")
        return self._port

    @property
    def pid(self) -> int | None:
        """The process id while the server runs, else None."""
        process = self._process()
        return process.pid if process is not None else None

    def start(self, *, detached: bool = False, owner_pid: int | None = None) -> None:
        """Start the server, or adopt it if it runs already; return when it answers a request.

        It ends with the process `owner_pid` (this one, unless told) even if that is killed, or
        stays until stop() if `detached`. Raises EmbeddedServerError when it cannot run.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        with file_lock(self.directory / _LOCK_FILE):
            if self._adopt():
                return
            self.prepare()
            self._initialise_once()
            process = self._launch_until_ready()
        if not detached:
            processes.guard(process, owner_pid or os.getpid(), self.stop_signal)

    def stop(self) -> None:
        """Stop cleanly, after `stop_deadline_seconds` by force; harmless if it is not running."""
        if not self.directory.exists():
            return
        with file_lock(self.directory / _LOCK_FILE):
            process = self._process()
            if process is not None:
                stop_signal = signal.Signals[f"SIG{self.stop_signal}"]
                processes.end(process, stop_signal, self.stop_deadline_seconds)

    def kill(self) -> None:
        """SIGKILL the server and all its processes, as a crash would; start() recovers it."""
        process = self._process()
        if process is not None:
            processes.kill(process)

    def wipe(self) -> None:
        """Stop the server and delete its directory with all data."""
        self.stop()
        for data in (self.data_directory, self.directory / _PARTIAL_DATA):
            if data.is_symlink():
                shutil.rmtree(data.resolve(), ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    @abstractmethod
    def prepare(self) -> None:
        """Check and fetch what the server needs. Raises EmbeddedServerError if that is missing."""

    @abstractmethod
    def initialise(self, data_directory: Path) -> None:
        """Fill an empty data directory; a half-filled one is thrown away by the caller."""

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """Write the configuration for `self.port`; return the program and its arguments."""

    @abstractmethod
    def answers(self) -> bool:
        """Tell whether the server answers a request of its own protocol now."""

    def account(self) -> Mapping[str, Any]:
        """Keyword arguments of subprocess.Popen that choose the system user."""
        return {}

    def environment(self) -> Mapping[str, str] | None:
        """Environment of the server, or None for this process's own."""
        return None

    def new_data_directory(self) -> Path:
        """Return a new empty directory to initialise before it becomes `data_directory`."""
        partial = self.directory / _PARTIAL_DATA
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        return partial

    def forget_strays(self) -> None:
        """Remove what an earlier crash left in the data directory and would prevent a start."""
        return

    def _process(self) -> psutil.Process | None:
        state = processes.read_state(self._state_file)
        return processes.find(state.pid, state.created_at) if state else None

    def _adopt(self) -> bool:
        process = self._process()
        if process is None:
            return False
        state = processes.read_state(self._state_file)
        assert state is not None
        self._port = state.port
        if self._ready_within(_ADOPTION_SECONDS, process):
            return True
        processes.kill(process)
        return False

    def _initialise_once(self) -> None:
        if self.data_directory.exists():
            self.forget_strays()
            return
        self.data_directory.unlink(missing_ok=True)  # a link to nowhere
        partial = self.new_data_directory()
        self.initialise(partial)
        partial.rename(self.data_directory)

    def _launch_until_ready(self) -> psutil.Process:
        for _ in range(_START_ATTEMPTS):
            self._choose_port()
            process = self._launch()
            if self._ready_within(self.ready_deadline_seconds, process):
                return process
            hung = processes.is_alive(process)
            processes.kill(process)
            # Somebody took the port in between, or a dead server's processes are not gone yet.
            if hung or "in use" not in log_tail(self.log_file).lower():
                break
        raise self._not_ready(hung)

    def _launch(self) -> psutil.Process:
        process = processes.launch(
            self.command(),
            self.log_file,
            environment=self.environment(),
            account=self.account(),
        )
        state = processes.ServerState(process.pid, process.create_time(), self.port)
        processes.write_state(self._state_file, state)
        return process

    def _choose_port(self) -> None:
        if self._wanted_port is not None and not ports.is_free(self._wanted_port):
            raise EmbeddedServerError(
                f"{self.name} cannot listen on port {self._wanted_port}: it is taken",
                "stop what listens there, or leave the port out to get a free one",
            )
        if self._port is None or not ports.is_free(self._port):
            self._port = ports.free_port()

    def _ready_within(self, seconds: float, process: psutil.Process) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and processes.is_alive(process):
            if self.answers():
                return processes.is_alive(process)
            time.sleep(_POLL_SECONDS)
        return False

    def _not_ready(self, hung: bool) -> EmbeddedServerError:
        limit = f"did not answer within {self.ready_deadline_seconds:.0f} s"
        return EmbeddedServerError(
            f"{self.name} {limit if hung else 'ended while it started'} on 127.0.0.1:{self.port}",
            "read the log; if its data is worthless, because it is damaged or another release's,"
            f" delete {self.directory}",
            self.log_file,
        )
