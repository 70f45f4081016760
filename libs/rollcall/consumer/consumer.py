"""The consumer: fetches ahead, works on a chunk in each stream, and reports positions as a hint."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from rollcall import failpoints, ticks
from rollcall.backoff import Backoff
from rollcall.consumer.chunk import Chunk, Span
from rollcall.consumer.chunk_streams import ChunkStreams
from rollcall.consumer.client_watch import ClientWatch, poll_nothing
from rollcall.consumer.decoding import Decoder
from rollcall.consumer.fetch_pace import FetchPace
from rollcall.consumer.group_member import group_member
from rollcall.consumer.lenient_records import mend_header_names
from rollcall.consumer.ownership import Ownership
from rollcall.consumer.pausing import Pausing
from rollcall.consumer.position_report import PositionReport
from rollcall.consumer.positions import PositionStore, Refusal
from rollcall.consumer.processor import ChunkProcessor
from rollcall.consumer.records import InputRecord, Item, Partition
from rollcall.consumer.starting_points import StartingPointFinder, log_ranges
from rollcall.database.failures import DATABASE_ERRORS
from rollcall.database.pool import Database
from rollcall.errors import (
    DeadLetterLimitError,
    OwnershipLostError,
    PositionConflictError,
    RecordRefusedError,
)
from rollcall.failpoints import Failpoint
from rollcall.settings import ServiceSettings
from rollcall.supervision import Supervisor
from rollcall.telemetry.health import Progress
from rollcall.telemetry.metrics import Metrics

log = structlog.get_logger()

_POLL_SECONDS = 0.5
# While some stream can take no more, so that it is polled again soon after its chunk was taken.
_SHORT_POLL_SECONDS = 0.01
_KAFKA_TIMEOUT_SECONDS = 5.0
_WATCH_SECONDS = 1.0
_SERVER_ERRORS = (KafkaError, *DATABASE_ERRORS)


class Consumer:
    """One member of the consumer group."""

    def __init__(
        self,
        settings: ServiceSettings,
        database: Database,
        processor: ChunkProcessor,
        decoders: dict[str, Decoder],
        progress: Progress,
        metrics: Metrics,
        supervisor: Supervisor,
    ) -> None:
        self._settings = settings
        self._database = database
        self._processor = processor
        self._decoders = decoders
        self._progress = progress
        self._metrics = metrics
        self._supervisor = supervisor
        self.client_watch = ClientWatch(
            settings.session_timeout_seconds, settings.fetch_silence_exit_seconds
        )
        self._kafka = group_member(settings)
        self._pace = FetchPace(self._kafka)
        self._starting_points = StartingPointFinder(
            database, PositionStore(settings.consumer_group), partial(log_ranges, self._kafka)
        )
        self.ownership = Ownership(self._kafka, settings.session_timeout_seconds / 2)
        self._pausing = Pausing(settings, database, self.ownership, processor.share_limit, metrics)
        self._streams = ChunkStreams(
            settings.chunk_streams, settings.chunk_max_records, settings.fetch_max_bytes
        )
        self.report = PositionReport(self._kafka, self.ownership, progress, metrics)
        self.records_total = 0
        self._stopping = asyncio.Event()
        self._closed = False

    async def start(self) -> None:
        """Join the group.

        Raises:
            aiokafka.errors.KafkaError, TimeoutError: Kafka cannot be reached.
        """
        mend_header_names()
        async with asyncio.timeout(_KAFKA_TIMEOUT_SECONDS * 2):
            await self._kafka.start()
        self.client_watch.attach(self._kafka)
        self._kafka.subscribe(list(self._decoders), listener=self.ownership)

    @property
    def has_backlog(self) -> bool:
        """Whether a whole further chunk waits already."""
        return self._streams.has_backlog

    def stop(self) -> None:
        """Fetch no more; `run` returns once the chunks in flight are finished."""
        self._stopping.set()

    async def run(self) -> None:
        """Fetch, work and report until stopped."""
        async with asyncio.TaskGroup() as tasks:
            helpers = [
                self._supervisor.start(tasks, self.report.run_for_ever, "consumer.report"),
                self._supervisor.start(tasks, self._watch_for_ever, "consumer.watch"),
                self._supervisor.start(tasks, self._pausing.follow_for_ever, "consumer.pauses"),
                self._supervisor.start(tasks, self._fetch, "consumer.fetch"),
                *(
                    self._supervisor.start(
                        tasks, partial(self._work, stream), f"consumer.work.{stream}"
                    )
                    for stream in self._streams.numbers
                ),
            ]
            await self._stopping.wait()
            await self.ownership.quiet.wait()
            for helper in helpers:
                helper.cancel()

    async def close(self) -> None:
        """Report the last positions and leave the group, within two seconds; once."""
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(2):
                await self.report.send()
                await self._kafka.stop()
        except (TimeoutError, KafkaError, OSError) as error:
            log.warning("group_not_left", error=repr(error))

    async def _fetch(self) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._fetch_once()
                backoff.reset()
            except OffsetOutOfRangeError as error:
                log.error("offset_out_of_range", error=str(error))
                self.ownership.invalidate()
            except NoOffsetForPartitionError:
                continue  # asked before this instance had read its own position
            except _SERVER_ERRORS as error:
                log.warning("fetch_retried", error=repr(error)[:500])
                self.ownership.invalidate()
                await backoff.wait()

    async def _fetch_once(self) -> None:
        """Poll once. The task that polls is the one that seeks.

        What a poll under an older assignment has drawn from the client is dropped here, so the next
        poll must not begin before the client was sent back to the positions.
        """
        poll_nothing(self._kafka)
        if self.ownership.unpositioned:
            await self._establish_positions()
        self.ownership.changed.clear()
        if not (active := self.ownership.active):
            await self._wait_for_change()
            return
        generation = self.ownership.generation
        targets, room = self._streams.with_room(active)
        if not targets:
            await self._streams.wait_until_taken(_POLL_SECONDS)
            return
        pause_seconds = _POLL_SECONDS if targets == active else _SHORT_POLL_SECONDS
        batches = await self._kafka.getmany(
            *targets,
            timeout_ms=round(1000 * ticks.seconds_until_tick(pause_seconds)),
            max_records=room,
        )
        self._pace.polled(sum(map(len, batches.values())))
        if batches:
            failpoints.reached(Failpoint.FETCH_POLLED)
        items, spans = await self._decode(batches, targets, generation)
        if spans:
            self.client_watch.fetched()
        if spans and generation == self.ownership.generation:
            failpoints.reached(Failpoint.FETCH_ASSEMBLED)
            self.ownership.positions |= {p: span.next for p, span in spans.items()}
            self._streams.add(items, spans, generation)

    async def _wait_for_change(self) -> None:
        try:
            async with asyncio.timeout(ticks.seconds_until_tick(_POLL_SECONDS)):
                await self.ownership.changed.wait()
        except TimeoutError:
            return

    async def _decode(
        self,
        batches: dict[TopicPartition, Sequence[Any]],
        polled: Sequence[TopicPartition],
        generation: int,
    ) -> tuple[dict[Partition, list[Item]], dict[Partition, Span]]:
        """Decode what was fetched; nothing if there is nothing to commit or the assignment changed.

        A partition whose offset moved without records (transaction markers, aborted records) moves
        its position, too: at rest, positions equal the ends of the logs.
        """
        items: dict[Partition, list[Item]] = {}
        spans: dict[Partition, Span] = {}
        for target in batches or polled:
            partition = Partition(target.topic, target.partition)
            if generation != self.ownership.generation:
                return {}, {}
            expected = self.ownership.positions[partition]
            decode = self._decoders[target.topic].decode
            records = [InputRecord.of(partition, raw) for raw in batches.get(target, ())]
            items[partition] = [decode(record) for record in records if record.offset >= expected]
            reached = await self._kafka.position(target)
            if reached > expected:
                spans[partition] = Span(expected, reached)
        return items, spans

    async def _establish_positions(self) -> None:
        """Read positions from PostgreSQL, check them against the logs, and start fetching.

        Chunks of the former assignment finish first: what they commit moves the positions.
        """
        async with asyncio.timeout(self._settings.session_timeout_seconds):
            await self.ownership.quiet.wait()
        generation = self.ownership.generation
        partitions = self.ownership.unpositioned
        async with self._database.acquire() as connection:
            await self._pausing.follow(connection)
        found = await self._starting_points.find(partitions)
        if found is None or generation != self.ownership.generation:
            return
        failpoints.reached(Failpoint.ASSIGNMENT_FOUND)
        self.ownership.refuse(found.refusals)
        self.report.committed = dict(found.starts)
        self._streams.share(self.ownership.assigned)
        self.ownership.begin(found.starts)
        self._metrics.partitions_owned.set(len(self.ownership.assigned))
        self._metrics.partitions_refused.set(len(self.ownership.refused))

    async def _work(self, stream: int) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            chunk = await self._streams.take(stream)
            is_current = self.ownership.is_current(chunk.generation)
            if not is_current():
                continue
            failpoints.reached(Failpoint.CHUNK_TAKEN)
            with self.ownership.at_work():
                try:
                    await self._processor.process(chunk, is_current)
                    failpoints.reached(Failpoint.CHUNK_FINISHED)
                    self._done(chunk)
                    self._streams.rest(stream)
                    backoff.reset()
                    continue
                except PositionConflictError as error:
                    log.warning("position_conflict", error=str(error))
                    self.ownership.invalidate()
                except OwnershipLostError as error:
                    log.info("chunk_dropped", reason=str(error))
                except RecordRefusedError as error:
                    self.ownership.leave(Refusal(p, str(error)) for p in error.partitions)
                    self._metrics.partitions_refused.set(len(self.ownership.refused))
                except DeadLetterLimitError as error:
                    await self._pausing.pause(error)
            await backoff.wait()

    def _done(self, chunk: Chunk) -> None:
        self.records_total += len(chunk.items)
        self._progress.moved()
        if chunk.generation == self.ownership.generation:
            self.report.committed |= {p: span.next for p, span in chunk.spans.items()}

    async def _watch_for_ever(self) -> None:
        """See that the client lives, once a second.

        Raises:
            FetcherDeadError: it does not.
        """
        while True:
            await ticks.sleep(_WATCH_SECONDS)
            self.client_watch.check(self._kafka, starving=self._is_starving())

    def _is_starving(self) -> bool:
        """Records wait in partitions that may be fetched, Kafka says so now, and none is in hand."""
        if not self._progress.lag_is_known or not self.ownership.quiet.is_set():
            return False
        waiting = any(self.report.lags.get(Partition(*target)) for target in self.ownership.active)
        return waiting and self._streams.is_empty
