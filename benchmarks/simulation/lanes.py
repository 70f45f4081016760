"""Lanes among many replicas: `Relay`'s own sharing, beat by beat."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from benchmarks.simulation.database import Locks
from rollcall.outbox.relay import Relay, fair_share
from rollcall.settings import ServiceSettings
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS

_MOST_BEATS = 200


@dataclass(slots=True)
class Settling:
    """How the lanes came to rest after a change.

    Attributes:
        beats: seconds until every lane had an owner and nobody more than its share.
        attempts: statements that tried a lock meanwhile.
    """

    after: str
    instances: int
    beats: int
    attempts: int
    most: int
    without: int


class _Session:
    """A replica's session on the simulated server."""

    def __init__(self, locks: Locks, instance: str) -> None:
        self._locks = locks
        self._instance = instance

    async def beat(self, _http_url: str | None) -> int:
        self._locks.beats += 1
        self._locks.alive.add(self._instance)
        return len(self._locks.alive)

    async def try_lock(self, lane: int) -> bool:
        self._locks.attempts += 1
        return self._locks.owners.setdefault(lane, self._instance) == self._instance

    async def unlock(self, lane: int) -> None:
        del self._locks.owners[lane]


class _SimulatedRelay(Relay):
    """A relay whose publishers publish nothing."""

    def _start(self, _session: Any, lane: int) -> None:
        self._lanes[lane] = _Lane()  # type: ignore[assignment]
        self._tasks[lane] = asyncio.create_task(asyncio.Event().wait())  # type: ignore[arg-type]

    async def beat(self, session: _Session, lanes: int) -> None:
        """One second."""
        await self._share(session, lanes)  # type: ignore[arg-type]

    async def stop_all(self) -> None:
        """End its tasks."""
        await self._abandon(list(self._lanes))


class _Lane:
    """An owned lane without a publisher."""

    problem = None


@dataclass(slots=True)
class LaneCluster:
    """Replicas and their sessions, which share `lanes`."""

    lanes: int
    locks: Locks = field(default_factory=Locks)
    relays: dict[str, tuple[_SimulatedRelay, _Session]] = field(default_factory=dict)
    _metrics: Metrics = field(default_factory=Metrics)

    def join(self, instances: int, name: str) -> None:
        """Start so many replicas."""
        topology, common = Topology(TOPICS), ServiceSettings(lanes=self.lanes)
        for number in range(instances):
            instance = f"{name}-{number}"
            settings = common.model_copy(update={"instance_id": instance})
            relay = _SimulatedRelay(settings, topology, self._metrics, lambda: None)
            self.relays[instance] = (relay, _Session(self.locks, instance))

    async def crash(self, instances: int) -> None:
        """Kill those that own lanes first: the server ends their sessions."""
        owners = Counter(self.locks.owners.values())
        victims = sorted(self.relays, key=lambda name: (-owners[name], name))[:instances]
        for name in victims:
            relay, _ = self.relays.pop(name)
            await relay.stop_all()
            self.locks.forget(name)

    async def settle(self, after: str) -> Settling:
        """Beat until the lanes are at rest.

        Raises:
            RuntimeError: they never are.
        """
        before = self.locks.attempts
        for beats in range(1, _MOST_BEATS + 1):
            for relay, session in list(self.relays.values()):
                await relay.beat(session, self.lanes)
            owned = Counter(self.locks.owners.values())
            share = fair_share(self.lanes, len(self.relays))
            if len(self.locks.owners) == self.lanes and max(owned.values()) <= share:
                attempts = self.locks.attempts - before
                without = len(self.relays) - len(owned)
                return Settling(
                    after, len(self.relays), beats, attempts, max(owned.values()), without
                )
        raise RuntimeError(f"the lanes are not shared after {_MOST_BEATS} beats: {after}")

    async def idle_attempts(self) -> int:
        """Statements that try a lock in one further beat, when nothing happens."""
        before = self.locks.attempts
        for relay, session in self.relays.values():
            await relay.beat(session, self.lanes)
        return self.locks.attempts - before

    async def close(self) -> None:
        """End every task."""
        for relay, _ in self.relays.values():
            await relay.stop_all()
