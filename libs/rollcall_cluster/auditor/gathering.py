"""Gathers facts from the three sides into the scratch database."""

from collections.abc import Collection
from typing import Any

from aiokafka import TopicPartition

from rollcall_cluster.auditor.database import Snapshot
from rollcall_cluster.auditor.input_facts import InputFacts
from rollcall_cluster.auditor.kafka_log import KafkaLogs, LogBatch, LogRange
from rollcall_cluster.auditor.lane_facts import LanePositions, lane_rows
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.output_facts import OutputFacts
from rollcall_cluster.auditor.progress import Progress
from rollcall_cluster.auditor.report import LogSummary
from rollcall_cluster.auditor.rest import Look
from rollcall_cluster.auditor.scratch import Scratch
from rollcall_cluster.auditor.snapshot_facts import SnapshotCopy
from rollcall_cluster.auditor.target import AuditTarget

_DEAD = "SELECT place FROM dead_letter WHERE log = :log AND place BETWEEN :first AND :last"


class Gathering:
    """One audit's reading. The snapshot comes first and is let go before the long reads of the logs."""

    def __init__(
        self,
        target: AuditTarget,
        scratch: Scratch,
        logbook: Logbook,
        logs: KafkaLogs,
        look: Look,
        progress: Progress,
    ) -> None:
        self._target = target
        self._scratch = scratch
        self._logbook = logbook
        self._logs = logs
        self._look = look
        self._progress = progress
        self._read: dict[str, int] = {}
        logbook.add(scratch, look.ends.ends)
        self._ends: dict[TopicPartition, int] = {}

    async def take_snapshot(
        self,
        snapshot: Snapshot,
        lanes: LanePositions,
        early_lanes: dict[int, int],
        moved_back: Collection[tuple[str, int]],
    ) -> None:
        """Copy the snapshot, then note where the logs end: all it speaks of is before those ends."""
        await SnapshotCopy(snapshot, self._scratch, self._logbook, self._progress).copy()
        self._ends = await self._logs.ends(self._look.ends.ends)
        rows = await lane_rows(snapshot, self._look, early_lanes, await lanes.newest())
        self._scratch.insert("lane", rows)
        self._scratch.insert("position", self._position_rows(moved_back))

    async def read_logs(self) -> tuple[LogSummary, ...]:
        """Read what was handled of the input, and all of the output."""
        inputs, outputs = self._input_ranges(), self._output_ranges()
        await self._read_ranges("input", inputs, self._input_facts(inputs))
        await self._read_ranges("output", outputs, self._output_facts(outputs))
        return tuple(self._summaries())

    async def facts(self, sweep_seconds: float) -> dict[str, float]:
        """What the checks' predicates need to know besides their rows."""
        trimmed = {p.topic for p, start in (await self._starts()).items() if start > 0}
        hidden = set(self._logbook.names("out")) if self._look.queued_events else trimmed
        return {
            "sweep_seconds": sweep_seconds,
            "outputs": sum(self._read.get(name, 0) for name in self._logbook.names("out")),
            **{f"{short}_trimmed": self._has(trimmed, *names) for short, names in _INPUTS.items()},
            **{f"{short}_hidden": self._has(hidden, *names) for short, names in _OUTPUTS.items()},
        }

    def _has(self, names: Collection[str], *wanted: str) -> bool:
        prefix = self._target.topic_prefix
        return any(prefix + name in names for name in wanted)

    async def _starts(self) -> dict[TopicPartition, int]:
        return await self._logs.starts(self._ends)

    def _position_rows(self, moved_back: Collection[tuple[str, int]]) -> list[tuple[Any, ...]]:
        positions, ends = self._look.positions, self._look.ends
        inputs = {(p.topic, p.partition): p for p in self._partitions("in")}
        strays = {key for key in positions if key[0] in self._logbook.names("in")} - set(inputs)
        rows: list[tuple[Any, ...]] = [(*key, None, positions[key], 0, 0, 0, 0) for key in strays]
        for key, partition in inputs.items():
            rows.append(
                (
                    *key,
                    self._logbook.number(*key),
                    positions.get(key),
                    ends.starts[partition],
                    self._ends[partition],
                    partition in self._look.behind,
                    key in moved_back,
                )
            )
        return rows

    def _partitions(self, direction: str) -> list[TopicPartition]:
        return [p for p in self._ends if self._logbook.topic(p).direction == direction]

    def _input_ranges(self) -> dict[TopicPartition, LogRange]:
        """Up to the positions: what is not handled yet cannot have had an effect."""
        ranges = {}
        for partition in self._partitions("in"):
            start = self._look.ends.starts[partition]
            position = self._look.positions.get((partition.topic, partition.partition), start)
            ranges[partition] = LogRange(start, min(position, self._ends[partition]))
        return ranges

    def _output_ranges(self) -> dict[TopicPartition, LogRange]:
        starts = self._look.ends.starts
        return {p: LogRange(starts[p], self._ends[p]) for p in self._partitions("out")}

    def _input_facts(self, ranges: Collection[TopicPartition]) -> dict[TopicPartition, Any]:
        limit = self._target.record_max_bytes
        return {p: InputFacts(self._model(p), self._number(p), limit) for p in ranges}

    def _output_facts(self, ranges: Collection[TopicPartition]) -> dict[TopicPartition, Any]:
        group, early = self._target.consumer_group, self._look.ends.ends
        return {
            p: OutputFacts(self._model(p), self._number(p), early[p], group, self._logbook)
            for p in ranges
        }

    def _model(self, partition: TopicPartition) -> Any:
        return self._logbook.topic(partition).models[0]

    def _number(self, partition: TopicPartition) -> int:
        number = self._logbook.number(partition.topic, partition.partition)
        assert number is not None
        return number

    async def _read_ranges(
        self,
        stage: str,
        ranges: dict[TopicPartition, LogRange],
        facts: dict[TopicPartition, Any],
    ) -> None:
        self._progress.begin(stage, sum(max(0, r.end - r.start) for r in ranges.values()))
        async for batch in self._logs.read(ranges):
            source = facts[batch.partition]
            if isinstance(source, InputFacts):
                rows = source.rows(batch.records, self._dead(batch))
            else:
                rows = source.rows(batch.records)
            for table, table_rows in rows.items():
                self._scratch.insert(table, table_rows)
            count = len(batch.records)
            self._read[batch.partition.topic] = self._read.get(batch.partition.topic, 0) + count
            self._progress.advance(count)

    def _dead(self, batch: LogBatch) -> frozenset[int]:
        first, last = batch.records[0].offset, batch.records[-1].offset
        span = {"log": self._number(batch.partition), "first": first, "last": last}
        return frozenset(place for (place,) in self._scratch.rows(_DEAD, span))

    def _summaries(self) -> list[LogSummary]:
        starts = self._look.ends.starts
        return [
            LogSummary(
                topic=name,
                direction=topic.direction,
                partitions=sum(p.topic == name for p in starts),
                records=self._read.get(name, 0),
                no_longer_readable=sum(start for p, start in starts.items() if p.topic == name),
            )
            for name, topic in self._logbook.topics.items()
            if topic.direction != "internal"
        ]


_INPUTS = {
    "registration_input": ("batch.essays.registered.v1",),
    "content_input": ("file.essay.content.provisioned.v1",),
    "failure_input": ("file.essay.validation.failed.v1",),
}
_OUTPUTS = {
    "assigned": ("els.essay.slot.assigned.v1",),
    "excess": ("els.excess.content.provisioned.v1",),
    "dead_letters": ("els.dead.letters.v1",),
    "completion": (
        "els.batch.content.provisioning.completed.v1",
        "els.batch.essays.ready.v1",
        "els.batch.validation.errors.v1",
    ),
}
