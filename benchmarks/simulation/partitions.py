"""Partitions among many replicas: the client's assignor, our ownership, positions and zombies."""

import random
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from benchmarks.simulation.database import Positions
from rollcall.consumer.chunk import Chunk, Span
from rollcall.consumer.chunk_buffer import ChunkBuffer
from rollcall.consumer.ownership import Ownership
from rollcall.consumer.positions import LogRange, check_position
from rollcall.consumer.records import InputRecord, Partition, Skipped
from rollcall.errors import PositionConflictError

_TOPIC = "contents"
_REVOCATION_SECONDS = 1.0


@dataclass(slots=True)
class Rebalance:
    """What one change of the group cost.

    Attributes:
        assign_seconds: the leader's time for the assignment.
        moved: partitions that have another owner than before.
        most, fewest: partitions of one replica.
    """

    after: str
    members: int
    assign_seconds: float
    moved: int
    most: int
    fewest: int
    reads: int


class _Client:
    """What `Ownership` tells the Kafka client; nobody listens."""

    def pause(self, *_: TopicPartition) -> None:
        """Fetch nothing."""

    def resume(self, *_: TopicPartition) -> None:
        """Fetch again."""

    def seek(self, _partition: TopicPartition, _offset: int) -> None:
        """Fetch from there."""


class _Metadata:
    """The cluster, as the assignor asks for it."""

    def __init__(self, partitions: int) -> None:
        self._partitions = set(range(partitions))

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return self._partitions


class Replica:
    """Ownership and buffer of one replica, driven step by step."""

    def __init__(self, positions: Positions, log_end: int, chunk_records: int) -> None:
        self.ownership = Ownership(_Client(), _REVOCATION_SECONDS)
        self._positions = positions
        self._log_end = log_end
        self._buffer = ChunkBuffer(chunk_records, 1_000_000_000)
        self._record = InputRecord(Partition(_TOPIC, 0), 0, None, None, (), -1)

    async def assign(self, partitions: Collection[TopicPartition]) -> None:
        """Take part in a rebalance."""
        await self.ownership.on_partitions_revoked(
            [TopicPartition(*partition) for partition in self.ownership.assigned]
        )
        self.ownership.on_partitions_assigned(partitions)

    def poll(self) -> None:
        """Read positions if any is unknown, then fill the next chunk."""
        if unpositioned := self.ownership.unpositioned:
            starts = self._positions.read(unpositioned)
            for partition, offset in starts.items():
                assert check_position(partition, offset, LogRange(0, self._log_end)) is None
            self.ownership.begin(starts)
        if self._buffer.room <= 0:
            return
        spans, items, room = {}, [], self._buffer.room
        for target in self.ownership.active:
            partition = Partition(*target)
            start = self.ownership.positions[partition]
            end = min(self._log_end, start + room)
            if end > start:
                spans[partition] = Span(start, end)
                items += [Skipped(self._of(partition, n), "simulated") for n in range(start, end)]
                room -= end - start
            if room <= 0:
                break
        if spans:
            self.ownership.positions |= {p: span.next for p, span in spans.items()}
            self._buffer.add(Chunk(items, spans, self.ownership.generation))

    async def work(self) -> None:
        """Commit the chunk in hand, unless the assignment has changed since it was read."""
        if self._buffer.is_empty:
            return
        chunk = await self._buffer.take()
        if not self.ownership.is_current(chunk.generation)():
            return
        counts: dict[Partition, int] = dict.fromkeys(chunk.spans, 0)
        for item in chunk.items:
            counts[item.record.partition] += 1
        try:
            self._positions.commit(chunk.spans, counts)
        except PositionConflictError:
            self.ownership.invalidate()

    def _of(self, partition: Partition, offset: int) -> InputRecord:
        return InputRecord(partition, offset, None, None, (), -1)


@dataclass(slots=True)
class PartitionCluster:
    """A group; replicas that miss a rebalance go on as zombies for a while."""

    partitions: int
    records: int
    chunk_records: int
    source: random.Random
    positions: Positions = field(init=False)
    replicas: dict[str, Replica] = field(default_factory=dict)
    zombies: list[Replica] = field(default_factory=list)
    _owners: dict[TopicPartition, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.positions = Positions(Partition(_TOPIC, n) for n in range(self.partitions))

    def join(self, instances: int, name: str) -> None:
        """Start so many replicas."""
        for number in range(instances):
            self.replicas[f"{name}-{number}"] = Replica(
                self.positions, self.records, self.chunk_records
            )

    def leave(self, instances: int, *, as_zombies: bool) -> None:
        """Take replicas out of the group; zombies do not know it yet."""
        for name in self.source.sample(sorted(self.replicas), instances):
            replica = self.replicas.pop(name)
            if as_zombies:
                self.zombies.append(replica)

    async def rebalance(self, after: str) -> Rebalance:
        """Assign all partitions anew, as the group's leader does, and tell every member."""
        reads = self.positions.reads
        metadata = RoundRobinPartitionAssignor.metadata([_TOPIC])
        began = time.perf_counter()
        assignment: Mapping[str, Any] = RoundRobinPartitionAssignor.assign(
            _Metadata(self.partitions),
            dict.fromkeys(self.replicas, metadata),
        )
        seconds = time.perf_counter() - began
        owners: dict[TopicPartition, str] = {}
        for name, given in assignment.items():
            own = given.partitions()
            owners |= dict.fromkeys(own, name)
            await self.replicas[name].assign(own)
        moved = sum(self._owners.get(p) not in (None, name) for p, name in owners.items())
        self._owners = owners
        for replica in self.replicas.values():
            replica.poll()
        counts = [len(replica.ownership.assigned) for replica in self.replicas.values()]
        return Rebalance(
            after,
            len(self.replicas),
            seconds,
            moved,
            max(counts),
            min(counts),
            self.positions.reads - reads,
        )

    async def step(self) -> None:
        """Everybody polls and commits once, in any order, zombies among them."""
        everybody = [*self.replicas.values(), *self.zombies]
        self.source.shuffle(everybody)
        for replica in everybody:
            replica.poll()
        self.source.shuffle(everybody)
        for replica in everybody:
            await replica.work()

    @property
    def left(self) -> int:
        """Records that nobody has handled."""
        return sum(self.records - offset for offset in self.positions.offsets.values())

    def violations(self) -> list[str]:
        """What must never be: a record handled twice, or never."""
        found = []
        for partition, offset in self.positions.offsets.items():
            effects = self.positions.effects[partition]
            if offset != self.records or effects != self.records:
                found.append(f"{partition}: position {offset}, {effects} of {self.records} handled")
        return found
