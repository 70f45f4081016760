"""Gathers facts from the three sides: the snapshot here, large logs in processes beside this one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

from aiokafka import TopicPartition

from rollcall_cluster.auditor.database import Snapshot
from rollcall_cluster.auditor.kafka_log import KafkaLogs
from rollcall_cluster.auditor.lane_facts import LanePositions, lane_rows
from rollcall_cluster.auditor.log_facts import (
    Removed,
    facts,
    handled_again_rows,
    position_rows,
    publishing_rows,
    reaches,
    summaries,
)
from rollcall_cluster.auditor.log_reading import LogReading, Reach, share_out
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.progress import Progress
from rollcall_cluster.auditor.report import LogSummary
from rollcall_cluster.auditor.rest import Look
from rollcall_cluster.auditor.scratch import Scratch
from rollcall_cluster.auditor.shard import ShardJob
from rollcall_cluster.auditor.snapshot_facts import SnapshotCopy
from rollcall_cluster.auditor.target import AuditTarget
from rollcall_cluster.auditor.workers import run_shards, worker_count

_LETTERS = "SELECT log, place, state, at FROM dead_letter WHERE log = :log"


class Gathering:
    """One audit's reading, from a snapshot and the look at what moved when it was taken."""

    def __init__(
        self,
        target: AuditTarget,
        scratch: Scratch,
        logs: KafkaLogs,
        look: Look,
        progress: Progress,
    ) -> None:
        self._target = target
        self._scratch = scratch
        self._logs = logs
        self._look = look
        self._progress = progress
        self._logbook = Logbook(target.topic_prefix, look.ends.ends)
        self._ends: dict[TopicPartition, int] = {}
        self._starts = look.ends.starts
        self._read: Counter[str] = Counter()

    @property
    def logbook(self) -> Logbook:
        """The numbers that places are noted under."""
        return self._logbook

    async def prepare(
        self,
        snapshot: Snapshot,
        lanes: LanePositions,
        early_lanes: dict[int, int],
        moved_back: Collection[tuple[str, int]],
    ) -> None:
        """Note where the logs end: all that the snapshot speaks of lies before those ends."""
        self._ends = await self._logs.ends(self._look.ends.ends)
        outputs = [p for p in self._ends if self._logbook.topic(p).direction == "out"]
        self._ends |= await self._logs.settled_ends(outputs, self._tell_of_transactions)
        rows = await lane_rows(snapshot, self._look, early_lanes, await lanes.newest())
        self._scratch.insert("lane", rows)
        positions = position_rows(self._logbook, self._look, self._ends, moved_back)
        self._scratch.insert("position", positions)
        orders = self._look.orders
        self._scratch.insert("handled_again", handled_again_rows(self._logbook, orders))
        self._scratch.insert("publishing_order", publishing_rows(orders))
        await self._copy(snapshot).dead_letters()

    def _tell_of_transactions(self) -> None:
        self._progress.begin("transactions that are ending", None)

    async def copy(self, snapshot: Snapshot) -> None:
        """Copy what grows with the number of events."""
        await self._copy(snapshot).rows()

    def _copy(self, snapshot: Snapshot) -> SnapshotCopy:
        return SnapshotCopy(snapshot, self._scratch, self._logbook, self._progress)

    @asynccontextmanager
    async def reading_logs(
        self, database_rows: int, workers: int | None, directory: Path
    ) -> AsyncIterator[None]:
        """Read the logs beside what is done inside; on leaving, all is read."""
        wanted = reaches(self._logbook, self._look, self._ends)
        records = sum(reach.records for reach in wanted)
        self._progress.begin("logs and database", records + database_rows)
        shares = share_out(wanted, worker_count(records, workers))
        reading = asyncio.create_task(
            self._read_shares(shares, directory) if shares else self._read_here(wanted)
        )
        try:
            yield
            await reading
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    async def _read_here(self, wanted: Sequence[Reach]) -> None:
        group, limit = self._target.consumer_group, self._target.record_max_bytes
        reading = LogReading(self._scratch, self._logbook, group, limit)
        self._read = await reading.read(self._logs, wanted, self._progress)

    async def _read_shares(self, shares: Sequence[Sequence[Reach]], directory: Path) -> None:
        files = [directory / f"shard-{number}.sqlite" for number in range(len(shares))]
        jobs = [self._job(file, share) for file, share in zip(files, shares, strict=True)]
        for job in jobs:
            self._give_dead_letters(job)
        self._read = await run_shards(jobs, self._progress)
        self._scratch.attach(files)

    def _job(self, file: Path, share: Sequence[Reach]) -> ShardJob:
        return ShardJob(
            file=file,
            kafka_bootstrap_servers=self._target.kafka_bootstrap_servers,
            connect_timeout_seconds=self._target.connect_timeout_seconds,
            topic_prefix=self._target.topic_prefix,
            consumer_group=self._target.consumer_group,
            record_max_bytes=self._target.record_max_bytes,
            partitions=tuple((p.topic, p.partition) for p in self._logbook.partitions),
            reaches=tuple(share),
        )

    def _give_dead_letters(self, job: ShardJob) -> None:
        """A reader has to know which of its records are dead letters."""
        with closing(Scratch(job.file)) as shard:
            for reach in job.reaches:
                log = self._logbook.number(reach.topic, reach.partition)
                shard.insert("dead_letter", self._scratch.rows(_LETTERS, {"log": log}))

    async def facts(self, sweep_seconds: float) -> dict[str, float]:
        """What the checks' predicates need to know besides their rows."""
        self._starts = await self._logs.starts(self._ends)
        trimmed = [partition for partition, start in self._starts.items() if start > 0]
        removed = Removed(self._starts, await self._logs.oldest(trimmed))
        return facts(self._logbook, self._look, removed, self._read, sweep_seconds)

    def summaries(self) -> tuple[LogSummary, ...]:
        """Every topic as it was read."""
        return summaries(self._logbook, self._starts, self._read)
