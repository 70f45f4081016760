"""Contestants as real processes: started, watched through the operating system, stopped by pid."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import httpx
import psutil

from benchmarks.deployment import LANES, wait_until
from benchmarks.errors import BenchmarkError
from rollcall_cluster.embedded import processes
from rollcall_cluster.embedded.errors import log_tail
from rollcall_cluster.embedded.ports import free_port
from rollcall_cluster.measuring.load import Workload

_STOP_SECONDS = 15
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Contestant:
    """A service in a number of replicas.

    Attributes:
        kind: its name in tables and results.
        module: run as `python -m MODULE ARGUMENTS`.
        arguments: after the module.
        replicas: processes of it, in one consumer group.
        events: most content events it is given; None for the whole load.
        workload: what its input is like.
        members: of the consumer group, for each replica.
        warm_up_batches: of 50 slots, worked off before the clock; a JVM compiles its code meanwhile.
        speaks_http: it has the runtime's HTTP routes, which say when its lanes are shared.
        keeps_tables: its state is in the tables that all share, and is checked there.
        has_outbox: it needs the peers' outbox table.
        environment: variables of its own.
    """

    kind: str
    module: str
    arguments: tuple[str, ...] = ()
    replicas: int = 1
    events: int | None = None
    workload: Workload = Workload.KEYED
    members: int = 1
    warm_up_batches: int = 20
    speaks_http: bool = False
    keeps_tables: bool = True
    has_outbox: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Such as `rollcall x3` or `rollcall x1 skewed`."""
        name = f"{self.kind} x{self.replicas}"
        return name if self.workload is Workload.KEYED else f"{name} {self.workload}"


class Replica:
    """One process of a contestant."""

    def __init__(
        self,
        contestant: Contestant,
        number: int,
        environment: Mapping[str, str],
        folder: Path,
        state: Path,
    ) -> None:
        port = free_port()
        self.state = state
        self.url = f"http://127.0.0.1:{port}"
        self.log_file = folder / f"{contestant.name.replace(' ', '-')}-{number}.log"
        own = {
            "ROLLCALL_HTTP_PORT": str(port),
            "ROLLCALL_INSTANCE_ID": f"replica-{number}",
            "BENCH_STATE_DIRECTORY": str(state),
        }
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", contestant.module, *contestant.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=_ROOT,
                env={**os.environ, **environment, **contestant.environment, **own},
            )
        self._watched = psutil.Process(self._process.pid)
        processes.guard(self._watched, os.getpid(), "TERM")

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def cpu_seconds(self) -> float:
        """CPU time used so far, user and system."""
        times = self._watched.cpu_times()
        return float(times.user + times.system)

    @property
    def rss_bytes(self) -> int:
        """Resident memory now."""
        return int(self._watched.memory_info().rss)

    @property
    def peak_rss_bytes(self) -> int:
        """Most resident memory since the start or `forget_peak`: VmHWM."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise BenchmarkError(f"the kernel does not report VmHWM of process {self.pid}")

    def forget_peak(self) -> None:
        """Measure the peak anew from here on."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def check_alive(self) -> None:
        """Raise BenchmarkError with the end of its log if it has ended."""
        if (code := self._process.poll()) is not None:
            raise BenchmarkError(
                f"{self.log_file.stem} ended with {code}:\n{log_tail(self.log_file)}"
            )

    def stop(self) -> None:
        """SIGTERM, then SIGKILL if it does not listen."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Replicas:
    """All processes of a contestant; use as a context manager, they end with it."""

    def __init__(
        self, contestant: Contestant, environment: Mapping[str, str], folder: Path
    ) -> None:
        self.contestant = contestant
        self._environment = environment
        self._folder = folder
        self.all: Sequence[Replica] = ()

    def __enter__(self) -> Self:
        self._state = TemporaryDirectory(prefix="rollcall-bench-state-")
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._state.cleanup()

    def start(self) -> None:
        """Start every replica, as a process of its own."""
        state = Path(self._state.name)
        self.all = [
            Replica(self.contestant, number, self._environment, self._folder, state / str(number))
            for number in range(1, self.contestant.replicas + 1)
        ]

    def stop(self) -> None:
        """Stop every replica."""
        for replica in self.all:
            replica.stop()

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all of them."""
        return sum(replica.cpu_seconds for replica in self.all)

    @property
    def peak_rss_bytes(self) -> int:
        """The largest peak among them."""
        return max(replica.peak_rss_bytes for replica in self.all)

    def check_alive(self) -> None:
        """Raise BenchmarkError if any has ended."""
        for replica in self.all:
            replica.check_alive()

    async def wait_lanes_shared(self, deadline_seconds: float) -> None:
        """Return once every lane is owned and no replica owns more than its share."""
        if not self.contestant.speaks_http:
            return
        async with httpx.AsyncClient(timeout=5) as client:

            async def shared() -> bool:
                owned = [await _lanes(client, replica) for replica in self.all]
                return sum(owned) == LANES and max(owned) <= -(-LANES // len(owned))

            await wait_until(shared, deadline_seconds, f"shared lanes of {self.contestant.name}")


async def _lanes(client: httpx.AsyncClient, replica: Replica) -> int:
    """How many lanes a replica owns; none while it is not ready."""
    replica.check_alive()
    try:
        status = (await client.get(f"{replica.url}/v1/instance")).raise_for_status().json()
    except httpx.HTTPError:
        return 0
    return len(status["lanes"]) if status["ready"] else 0
