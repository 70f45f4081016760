"""Runs chunks: one transaction each, retried, bisected around poison, or given back to a new owner."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import structlog

from rollcall import failpoints
from rollcall.backoff import Backoff
from rollcall.consumer.chunk import Chunk, describe
from rollcall.consumer.dead_letters import DeadLetterStore
from rollcall.consumer.definitions import naming
from rollcall.consumer.failed_jobs import report_failed
from rollcall.consumer.in_hand import Hand, InHand
from rollcall.consumer.known_records import KnownRecords
from rollcall.consumer.outcomes import Outcomes, count_outcomes, tallies
from rollcall.consumer.parts import InParts
from rollcall.consumer.positions import PositionStore
from rollcall.consumer.records import Rejected, correlation_of
from rollcall.consumer.route import Route, may_keep_plans
from rollcall.consumer.share_limit import ShareLimit
from rollcall.consumer.transaction import Admission, Job, Transaction, if_admitted
from rollcall.database.failures import Failure, classify
from rollcall.database.pool import Database
from rollcall.errors import DeadLetterLimitError, OwnershipLostError, RecordRefusedError
from rollcall.failpoints import Failpoint
from rollcall.outbox.buffer import OutboxBuffer
from rollcall.outbox.event import Event
from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import OutboxStore
from rollcall.settings import ServiceSettings
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology
from rollcall.tracing.outcome import outcome_of

if TYPE_CHECKING:
    from rollcall.tracing.chunk_spans import ChunkSpans
    from rollcall.tracing.tracing import Tracing
    from rollcall.tracing.transaction_spans import TransactionSpans

log = structlog.get_logger()

# A race is lost to a winner that has committed: the next attempt sees it, at once. More losses than this of one
# chunk are no accident but the data.
_MOST_RACES = 20
_JOB_ATTEMPTS = 5


class ChunkProcessor:
    """Commits the inbox position and the effects of a chunk together, or neither."""

    def __init__(
        self,
        settings: ServiceSettings,
        topology: Topology,
        database: Database,
        routes: Sequence[Route],
        metrics: Metrics,
        on_segments: Callable[[Iterable[int]], None],
        lanes: int,
        known: KnownRecords | None = None,
        tracing: "Tracing | None" = None,
    ) -> None:
        self._settings = settings
        self._topology = topology
        self._database = database
        self._routes = routes
        self._metrics = metrics
        self._on_segments = on_segments
        self._lanes = lanes
        self._known = known
        self._tracing = tracing
        self._positions = PositionStore(settings.consumer_group)
        self._dead_letters = DeadLetterStore(settings)
        self._outbox_store = OutboxStore()
        self._codec = SegmentCodec()
        self.in_hand = InHand(settings.chunk_stuck_after_seconds)
        self.share_limit = ShareLimit(
            settings.dead_letter_max_share, settings.dead_letter_window_records
        )

    async def process(
        self, chunk: Chunk, is_current: Callable[[], bool], trace: Sequence[str] = ()
    ) -> None:
        """Commit a chunk, however many attempts and parts it takes.

        Raises:
            PositionConflictError: another instance owns a partition; what was not committed is its.
            OwnershipLostError: the assignment changed between two attempts.
            DeadLetterLimitError: too many records of a topic are bad; this part was not committed.
            RecordRefusedError: a record cannot even be set aside; what precedes it was committed.
            ConfigurationError: a handler is wrong whatever it is given; this part was not committed.
        """
        with self.in_hand.working_on(chunk) as hand:
            spans = self._tracing.chunk(chunk) if self._tracing else None
            poison = await self._commit_all(chunk, is_current, hand, spans)
        if poison is not None:
            if spans:
                spans.split(poison)
            await self._bisect(chunk, poison, is_current, trace)

    async def _commit_all(
        self,
        chunk: Chunk,
        is_current: Callable[[], bool],
        hand: Hand,
        spans: "ChunkSpans | None",
    ) -> Exception | None:
        """Try until it is committed; returns what the data is to blame for, if it is."""
        backoff = Backoff()
        races = 0
        while True:
            try:
                follow_ups = await self._commit(chunk, hand, spans.attempt() if spans else None)
                break
            except Exception as error:
                failure = classify(error)
                self._metrics.chunk_failures_total.labels(failure.value).inc()
                races += failure is Failure.RACE
                if failure in (Failure.CONFLICT, Failure.LIMIT, Failure.DEFINITION):
                    raise
                if failure is Failure.DATA or races > _MOST_RACES:
                    return error
                hand.failed(error)
                log.warning("chunk_retried", failure=failure.value, error=repr(error)[:500])
                if failure is not Failure.RACE:
                    await backoff.wait()
                if not is_current():
                    raise OwnershipLostError("partitions were revoked between attempts") from error
        for job in follow_ups:
            await self.run_job(job)
        return None

    async def run_job(self, job: Job, admitted: Admission | None = None) -> None:
        """Run a job in a transaction of its own, then the jobs that it asks for after its commit.

        A job that fails is logged and counted, not raised: its periodic twin does the work later.
        With `admitted`, each of the transactions asks it first, and does nothing if it says no.
        """
        jobs = deque([job])
        while jobs:
            jobs.extend(await self._try_job(jobs.popleft(), admitted))

    async def _try_job(self, job: Job, admitted: Admission | None) -> Sequence[Job]:
        backoff = Backoff()
        while True:
            try:
                tx = await self._transact(if_admitted(job, admitted), "job")
                failpoints.reached(Failpoint.FOLLOW_UP_COMMITTED)
                return tx.follow_ups
            except Exception as error:
                failure = classify(error)
                again = failure in (Failure.RACE, Failure.CONTENTION)
                if again and backoff.attempts < _JOB_ATTEMPTS:
                    await backoff.wait()
                    continue
                parts = job.halves() if isinstance(job, InParts) else []
                if parts and failure is not Failure.INFRASTRUCTURE:
                    return parts
                report_failed(job, error, self._metrics)
                return []

    async def _bisect(
        self,
        chunk: Chunk,
        error: Exception,
        is_current: Callable[[], bool],
        trace: Sequence[str],
    ) -> None:
        """Commit what can be committed of a chunk and set its poison records aside."""
        if not chunk.items:
            nothing = "; ".join(f"{p}@{s.expected}..{s.next}" for p, s in chunk.spans.items())
            raise RecordRefusedError(list(chunk.spans), nothing, error) from error
        here = describe([item.record for item in chunk.items])
        trace = [*trace, f"{here}: {error!r}"[:300]]
        if len(chunk.items) == 1:
            whose = correlation_of(chunk.items[0])
            problem = repr(error)[:500]
            log.error("record_isolated", correlation_id=whose, record=here, error=problem)
            failpoints.reached(Failpoint.BISECTION_RECORD_ISOLATED)
            if isinstance(chunk.items[0], Rejected):
                partition = chunk.items[0].record.partition
                raise RecordRefusedError([partition], here, error) from error
            await self.process(chunk.set_aside(error, trace), is_current)
            return
        first, second = chunk.halves()
        await self.process(first, is_current, trace)
        failpoints.reached(Failpoint.BISECTION_HALF_COMMITTED)
        await self.process(second, is_current, trace)

    async def _commit(
        self, chunk: Chunk, hand: Hand, spans: "TransactionSpans | None"
    ) -> list[Job]:
        outcomes = Outcomes()
        look_up = await self._known.look_up(chunk) if self._known else None

        async def handle(tx: Transaction) -> Iterable[Event]:
            hand.connected(tx.connection.get_server_pid())
            failpoints.reached(Failpoint.CHUNK_BEGUN)
            await self._positions.compare_and_set(tx.connection, chunk.spans)
            failpoints.reached(Failpoint.CHUNK_POSITIONS_MOVED)
            for route in self._routes:
                received = chunk.received(route.models)
                if look_up and route.skips_known:
                    received = await look_up.unhandled(received, tx.connection)
                if received:
                    with naming(route.handler):
                        await tx.publish(await route.handler(received, tx))
            failpoints.reached(Failpoint.CHUNK_HANDLED)
            rejected = [*chunk.rejected(), *tx.rejections]
            for item in chunk.rejected():
                tx.log_rejected(item)
            if spans and rejected:
                spans.rejected(rejected)
            outcomes.update(count_outcomes(chunk, rejected))
            self._require_good_share(outcomes)
            events = await self._dead_letters.record(tx.connection, rejected)
            if events:
                failpoints.reached(Failpoint.CHUNK_DEAD_LETTERS_WRITTEN)
            return events

        started = time.perf_counter()
        keep_plans = may_keep_plans(chunk, self._routes)
        tx = await self._transact(handle, "chunk", spans, keep_plans=keep_plans)
        self._metrics.chunk_seconds.observe(time.perf_counter() - started)
        self._count(chunk, outcomes)
        failpoints.reached(Failpoint.CHUNK_COMMITTED)
        if look_up:
            look_up.committed(tx.rejections)
        return tx.follow_ups

    async def _transact(
        self,
        job: Job,
        operation: str,
        spans: "TransactionSpans | None" = None,
        *,
        keep_plans: bool = False,
    ) -> Transaction:
        """Run `job` in a transaction of its own, which writes its events as segments."""
        if spans is None and self._tracing:
            spans = self._tracing.job()
        with self._metrics.timed(operation), outcome_of(spans):
            tx, outbox = await self._run(job, spans, keep_plans)
        self._metrics.events_total.inc(outbox.published)
        for event, fields in tx.log_events:
            log.info(event, **fields)
        for counter, amount in tx.counts:
            counter.inc(amount)
        return tx

    async def _run(
        self, job: Job, spans: "TransactionSpans | None", keep_plans: bool
    ) -> tuple[Transaction, OutboxBuffer]:
        """Commit it, and wake the relay."""
        async with self._database.transaction(keep_plans=keep_plans) as connection:
            outbox = OutboxBuffer(
                connection,
                self._outbox_store,
                self._codec,
                self._topology,
                self._lanes,
                self._settings.service_name,
                spans,
            )
            tx = Transaction(connection, outbox, tracing=self._tracing is not None)
            await tx.publish(await job(tx))
            await outbox.flush()
            failpoints.reached(Failpoint.TRANSACTION_SEGMENTS_WRITTEN)
        failpoints.reached(Failpoint.TRANSACTION_COMMITTED)
        self._on_segments(outbox.touched_lanes)
        return tx, outbox

    def _require_good_share(self, outcomes: Outcomes) -> None:
        for topic, tally in tallies(outcomes).items():
            if window := self.share_limit.exceeded_by(topic, tally):
                raise DeadLetterLimitError(topic, window.rejected, window.records)

    def _count(self, chunk: Chunk, outcomes: Outcomes) -> None:
        self._metrics.chunk_records.observe(len(chunk.items))
        for (topic, outcome), count in outcomes.items():
            self._metrics.records_total.labels(topic, outcome).inc(count)
        for topic, tally in tallies(outcomes).items():
            self.share_limit.add(topic, tally)
