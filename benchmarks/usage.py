"""What a run cost: CPU time and WAL, and how much of the machine others used meanwhile."""

import asyncio
import os
import time
from dataclasses import dataclass

import psutil

from benchmarks.deployment import Deployment
from benchmarks.replicas import Replicas
from rollcall_cluster.embedded import EmbeddedServer

_SAMPLE_SECONDS = 0.5
_QUIET_PERCENT = 15.0


@dataclass(frozen=True, slots=True)
class Usage:
    """Totals in seconds of CPU and bytes; differences of two give the cost of what lies between."""

    replicas: float
    postgres: float
    kafka: float
    harness: float
    machine: float
    wal_bytes: int

    def since(self, earlier: "Usage") -> "Usage":
        """What was used since then."""
        return Usage(
            self.replicas - earlier.replicas,
            self.postgres - earlier.postgres,
            self.kafka - earlier.kafka,
            self.harness - earlier.harness,
            self.machine - earlier.machine,
            self.wal_bytes - earlier.wal_bytes,
        )

    def each_us(self, events: int) -> dict[str, float]:
        """CPU time in microseconds for each of so many events, by process."""
        return {
            "replica": 1e6 * self.replicas / events,
            "postgres": 1e6 * self.postgres / events,
            "kafka": 1e6 * self.kafka / events,
        }

    def each_us_with_measuring(self, events: int) -> dict[str, float]:
        """The same, and what produces and reads."""
        return self.each_us(events) | {"measuring": 1e6 * self.harness / events}

    @property
    def others(self) -> float:
        """CPU time of everything on the machine that is not part of the benchmark."""
        known = self.replicas + self.postgres + self.kafka + self.harness
        return max(self.machine - known, 0.0)

    @property
    def others_share(self) -> float:
        """Their part of all CPU time used: above a tenth or so, times mean little."""
        return self.others / self.machine if self.machine else 0.0


async def wait_quiet(patience_seconds: float) -> None:
    """Return once the machine is nearly idle, or when patience is at an end.

    Call it while the contestant waits for input: then, whatever runs is not ours.
    """
    deadline = time.monotonic() + patience_seconds
    psutil.cpu_percent()
    while time.monotonic() < deadline:
        await asyncio.sleep(_SAMPLE_SECONDS)
        if psutil.cpu_percent() < _QUIET_PERCENT:
            return


def measure(deployment: Deployment, replicas: Replicas) -> Usage:
    """Read all counters now."""
    return Usage(
        replicas=replicas.cpu_seconds,
        postgres=_tree_seconds(deployment.servers.postgres),
        kafka=_tree_seconds(deployment.servers.kafka),
        harness=_seconds(psutil.Process(os.getpid())),
        machine=_machine_seconds(),
        wal_bytes=deployment.wal_position(),
    )


def _machine_seconds() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + getattr(times, "steal", 0.0))


def _tree_seconds(server: object) -> float:
    """CPU time of a server of ours with all its processes, ended ones included; 0 if external."""
    if not isinstance(server, EmbeddedServer) or server.pid is None:
        return 0.0
    root = psutil.Process(server.pid)
    times = root.cpu_times()
    ended = float(getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0))
    return ended + _seconds(root) + sum(map(_seconds, root.children(recursive=True)))


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
