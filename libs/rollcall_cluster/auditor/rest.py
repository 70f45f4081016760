"""Whether a deployment is at rest: all input handled, all output published, nothing waiting.

A look takes the ends of the logs first and the snapshot after them: what the logs held before the
snapshot must be in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

from rollcall_cluster.auditor.database import Backlog, Snapshot
from rollcall_cluster.auditor.kafka_log import KafkaLogs, LogRange
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.orders import Orders

_TOLD_PARTITIONS = 5


@dataclass(slots=True, frozen=True)
class Ends:
    """Where every log began and ended just before a snapshot."""

    starts: Mapping[TopicPartition, int]
    ends: Mapping[TopicPartition, int]

    @classmethod
    async def of(cls, logs: KafkaLogs, logbook: Logbook) -> "Ends":
        """Look at all input and output topics."""
        partitions = logs.partitions([*logbook.names("in"), *logbook.names("out")])
        return cls(await logs.starts(partitions), await logs.ends(partitions))


@dataclass(slots=True, frozen=True)
class Look:
    """What was in motion when a snapshot was taken."""

    ends: Ends
    positions: Mapping[tuple[str, int], int]
    backlogs: Mapping[int, Backlog]
    behind: frozenset[TopicPartition]
    pending_of_registered: int
    orders: Orders

    @property
    def queued_events(self) -> int:
        """Events in segments left."""
        return sum(backlog.events for backlog in self.backlogs.values())

    @property
    def moving(self) -> tuple[str, ...]:
        """What is not at rest, in words; empty at rest."""
        told = []
        if self.behind:
            names = [f"{p.topic}-{p.partition}" for p in sorted(self.behind)]
            told.append(f"{len(names)} partitions have input left: " + _some(names))
        if self.backlogs:
            segments = sum(backlog.segments for backlog in self.backlogs.values())
            told.append(f"{segments} segments ({self.queued_events} events) are not published")
        if self.pending_of_registered:
            told.append(f"{self.pending_of_registered} pending although their batch is registered")
        return tuple(told)


async def look(logs: KafkaLogs, logbook: Logbook, ends: Ends, snapshot: Snapshot) -> Look:
    """Compare the ends of the logs with a snapshot taken after them."""
    positions = await snapshot.positions()
    inputs = [p for p in ends.ends if logbook.topic(p).direction == "in"]
    waiting = {p: waiting_range(p, ends, positions) for p in inputs}
    behind = [p for p, r in waiting.items() if r.start < r.end and await logs.any_record(p, r)]
    return Look(
        ends=ends,
        positions=positions,
        backlogs=await snapshot.backlogs(),
        behind=frozenset(behind),
        pending_of_registered=await snapshot.pending_of_registered(),
        orders=await snapshot.orders(),
    )


def waiting_range(
    partition: TopicPartition, ends: Ends, positions: Mapping[tuple[str, int], int]
) -> LogRange:
    """Offsets that are not handled; a partition without position is handled from its start."""
    start = ends.starts[partition]
    position = positions.get((partition.topic, partition.partition), start)
    return LogRange(max(position, start), ends.ends[partition])


def _some(names: list[str]) -> str:
    rest = len(names) - _TOLD_PARTITIONS
    told = ", ".join(names[:_TOLD_PARTITIONS])
    return f"{told} and {rest} more" if rest > 0 else told
