"""Audits one deployment from outside: Kafka input, database, Kafka output."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rollcall_cluster.auditor.check import Facts
from rollcall_cluster.auditor.database import Database, Snapshot, open_database
from rollcall_cluster.auditor.errors import NotAtRestError
from rollcall_cluster.auditor.failures import failures_named
from rollcall_cluster.auditor.gathering import Gathering
from rollcall_cluster.auditor.kafka_log import KafkaLogs, open_logs
from rollcall_cluster.auditor.lane_facts import LanePositions
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.progress import Progress, Silent
from rollcall_cluster.auditor.report import AuditReport
from rollcall_cluster.auditor.rest import Ends, Look, look
from rollcall_cluster.auditor.scratch import Scratch, scratch_directory
from rollcall_cluster.auditor.target import AuditTarget
from rollcall_cluster.auditor.verdicts import judge

_LOOK_INTERVAL_SECONDS = 0.25


@dataclass(slots=True, frozen=True)
class AuditOptions:
    """How to audit.

    Without `wait`, only what holds at any moment is checked. With it, rest is awaited for
    `wait_seconds` at most and then expected, so that whatever still moves is a violation, or, with
    `require_rest`, reason enough not to audit at all.
    """

    wait: bool = True
    wait_seconds: float = 60.0
    require_rest: bool = False
    sweep_seconds: float = 60.0
    """Age from which something pending is a violation when rest is not awaited."""
    max_examples: int = 5
    scratch_directory: Path | None = None
    """Where the scratch database goes; the system's directory for temporary files by default."""
    workers: int | None = None
    """Processes that read the logs: by default one for each core if there is much to read, else none."""


async def verify(
    target: AuditTarget, options: AuditOptions | None = None, progress: Progress | None = None
) -> AuditReport:
    """Check every invariant of the deployment that `target` names, without changing anything.

    Raises:
        CannotAuditError: a server cannot be reached, or what it holds is no deployment of ours.
        NotAtRestError: rest was required and did not come in time.
    """
    options = options or AuditOptions()
    with (
        failures_named(),
        scratch_directory(options.scratch_directory) as directory,
        closing(Scratch(directory / "scratch.sqlite")) as scratch,
    ):
        audit = _Audit(target, options, progress or Silent(), scratch, directory)
        async with audit.logs() as logs, open_database(target) as database:
            return await audit.run(logs, database)


class _Audit:
    def __init__(
        self,
        target: AuditTarget,
        options: AuditOptions,
        progress: Progress,
        scratch: Scratch,
        directory: Path,
    ) -> None:
        self._target = target
        self._options = options
        self._progress = progress
        self._scratch = scratch
        self._directory = directory
        self._logbook = Logbook(target.topic_prefix)
        self._highest: dict[tuple[str, int], int] = {}
        self._moved_back: set[tuple[str, int]] = set()
        self._moved_by_hand: dict[tuple[str, int], int] | None = None
        self._started_at, self._started = datetime.now(UTC), time.monotonic()

    def logs(self) -> AbstractAsyncContextManager[KafkaLogs]:
        """The logs of the deployment."""
        limit_seconds = self._target.connect_timeout_seconds
        return open_logs(self._target, self._logbook.topics, limit_seconds)

    async def run(self, logs: KafkaLogs, database: Database) -> AuditReport:
        """Gather all facts, then judge them."""
        lanes = LanePositions(logs, self._logbook)
        async with AsyncExitStack() as scope:
            settled = self._settled(logs, lanes, database)
            snapshot, seen, early_lanes = await scope.enter_async_context(settled)
            gathering = Gathering(self._target, self._scratch, logs, seen, self._progress)
            await gathering.prepare(snapshot, lanes, early_lanes, self._moved_back)
            rows = await snapshot.row_count()
            async with gathering.reading_logs(rows, self._options.workers, self._directory):
                await gathering.copy(snapshot)
                # Old snapshots keep the server from cleaning up: this one goes before the rest is read.
                await scope.aclose()
        facts = await gathering.facts(self._sweep_seconds)
        return self._judge(gathering, seen, facts)

    def _judge(self, gathering: Gathering, seen: Look, facts: Facts) -> AuditReport:
        self._progress.begin("checks", None)
        self._scratch.run("joins.sql")
        checks = judge(
            self._scratch,
            gathering.logbook,
            facts,
            rest_expected=self._options.wait,
            max_examples=self._options.max_examples,
        )
        contents, batches = self._scratch.row(
            "SELECT (SELECT count(*) FROM tally WHERE kind = 0), (SELECT count(*) FROM whole)"
        )
        return AuditReport(
            consumer_group=self._target.consumer_group,
            database_schema=self._target.database_schema,
            topic_prefix=self._target.topic_prefix,
            started_at=self._started_at,
            duration_seconds=round(time.monotonic() - self._started, 3),
            at_rest=not seen.moving,
            moving=seen.moving,
            contents=contents,
            batches=batches,
            logs=gathering.summaries(),
            checks=tuple(checks),
        )

    @property
    def _sweep_seconds(self) -> float:
        return 0.0 if self._options.wait else self._options.sweep_seconds

    @asynccontextmanager
    async def _settled(
        self, logs: KafkaLogs, lanes: LanePositions, database: Database
    ) -> AsyncIterator[tuple[Snapshot, Look, dict[int, int]]]:
        """A snapshot of the deployment at rest, or of the last moment that it was waited for."""
        deadline = time.monotonic() + (self._options.wait_seconds if self._options.wait else 0)
        self._progress.begin("waiting for rest", None)
        while True:
            ends = await Ends.of(logs, self._logbook)
            early_lanes = await lanes.newest()
            async with database.snapshot() as snapshot:
                seen = await look(logs, self._logbook, ends, snapshot)
                self._compare_positions(seen)
                if not seen.moving or time.monotonic() >= deadline:
                    self._refuse_motion(seen)
                    yield snapshot, seen, early_lanes
                    return
            self._progress.advance(1)
            await asyncio.sleep(_LOOK_INTERVAL_SECONDS)

    def _refuse_motion(self, seen: Look) -> None:
        if seen.moving and self._options.require_rest:
            raise NotAtRestError(
                f"not at rest after {self._options.wait_seconds:g} s: {'; '.join(seen.moving)}; wait"
                " longer (--wait-seconds) or see whether the service is running"
            )

    def _compare_positions(self, seen: Look) -> None:
        """Note positions lower than in an earlier look of this audit, but for what operators moved."""
        moved = seen.orders.newest_moves()
        known = moved if self._moved_by_hand is None else self._moved_by_hand
        self._moved_by_hand = moved
        for partition, highest in self._highest.items():
            if moved.get(partition) != known.get(partition):
                continue
            if seen.positions.get(partition, 0) < highest:
                self._moved_back.add(partition)
        self._highest |= seen.positions
