"""Reads ranges of Kafka logs under read_committed, without joining a group or creating anything."""

import asyncio
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from rollcall.access.kafka import KafkaAccess, kafka_options
from rollcall.access.kafka_refusal import refuse_if_denied
from rollcall.consumer.lenient_records import mend_header_names
from rollcall.errors import AccessDeniedError
from rollcall_cluster.auditor.errors import CannotAuditError

# Partitions read at a time: together with the fetch size this bounds the records held in memory.
PARTITIONS_AT_A_TIME = 16
_FETCH_BYTES = 2 * 1024 * 1024
# Other requests wait behind a fetch on the same connection.
_FETCH_WAIT_MS = 50
_POLL_RECORDS = 5000
_POLL_MS = 200
# Longer than the relay's transactions may last.
_OPEN_TRANSACTION_SECONDS = 20.0
_MARKER_PAUSE_SECONDS = 0.05


def _nothing() -> None:
    """Tell nobody."""


class LogRange(NamedTuple):
    """Offsets of one partition, from `start` up to `end`, exclusive."""

    start: int
    end: int


@dataclass(slots=True, frozen=True)
class LogBatch:
    """Records of one partition, in offset order, and the offset behind the last."""

    partition: TopicPartition
    records: Sequence[Any]


class KafkaLogs:
    """The logs of one cluster. Open it with `open_logs`."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        uncommitted: AIOKafkaConsumer,
        counts: Mapping[str, int],
        stall: float,
    ) -> None:
        self._consumer = consumer
        self._uncommitted = uncommitted
        self._counts = counts
        self._stall_seconds = stall
        # All at once, resting: each change of the assignment would cost a round of metadata requests.
        everything = self.partitions(counts)
        self._consumer.assign(everything)
        self._rest(everything)

    def partitions(self, topics: Collection[str]) -> list[TopicPartition]:
        """Every partition of the given topics.

        Raises:
            CannotAuditError: a topic does not exist.
        """
        if missing := sorted(set(topics) - set(self._counts)):
            raise CannotAuditError(
                f"topics missing on the cluster: {', '.join(missing)}; check the topic prefix, or"
                " create them with the service's 'topics' command"
            )
        return [TopicPartition(t, n) for t in sorted(topics) for n in range(self._counts[t])]

    async def starts(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset that each partition still holds."""
        starts: dict[TopicPartition, int] = await self._consumer.beginning_offsets(list(partitions))
        return starts

    async def oldest(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, float]:
        """When the first record that each partition still holds was written; those with none are left out."""
        found = await self._consumer.offsets_for_times(dict.fromkeys(partitions, 0))
        return {p: first.timestamp / 1000 for p, first in found.items() if first is not None}

    async def ends(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The last stable offset of each partition: behind the newest committed record."""
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(list(partitions))
        return ends

    async def settled_ends(
        self, partitions: Collection[TopicPartition], on_wait: Callable[[], None] = _nothing
    ) -> dict[TopicPartition, int]:
        """The last stable offsets once every transaction that is in the logs now has ended.

        A producer is told of its commit before the markers are in all partitions: until they are,
        readers see nothing of it. Transactions that stay open for longer than any of the relay's
        may are not waited for; what they hold is not published.
        """
        written = await self._uncommitted.end_offsets(list(partitions))
        deadline = time.monotonic() + _OPEN_TRANSACTION_SECONDS
        while True:
            stable = await self.ends(partitions)
            if all(stable[p] >= written[p] for p in partitions) or time.monotonic() >= deadline:
                return stable
            on_wait()
            await asyncio.sleep(_MARKER_PAUSE_SECONDS)

    async def read(
        self, ranges: Mapping[TopicPartition, LogRange]
    ) -> AsyncGenerator[LogBatch, None]:
        """Every readable record in `ranges`, in offset order within each partition.

        Raises:
            CannotAuditError: the cluster gave nothing for longer than the time allowed.
        """
        wanted = iter([(p, r) for p, r in sorted(ranges.items()) if r.start < r.end])
        while group := dict(islice(wanted, PARTITIONS_AT_A_TIME)):
            for partition, log in group.items():
                self._consumer.seek(partition, log.start)
            self._consumer.resume(*group)
            try:
                async for batch in self._drain({p: log.end for p, log in group.items()}):
                    yield batch
            finally:
                self._rest(group)

    async def any_record(self, partition: TopicPartition, log: LogRange) -> bool:
        """Whether a range holds a readable record; control records and aborted ones do not count."""
        async with aclosing(self.read({partition: log})) as batches:
            async for _ in batches:
                return True
        return False

    async def _drain(self, ends: dict[TopicPartition, int]) -> AsyncIterator[LogBatch]:
        progress = time.monotonic()
        while ends:
            polled = await self._poll(ends)
            for batch in _within(polled, ends):
                yield batch
            finished = [p for p in polled or list(ends) if await self._is_past(p, ends[p])]
            self._rest(finished)
            for partition in finished:
                del ends[partition]
            if polled or finished:
                progress = time.monotonic()
            elif time.monotonic() - progress > self._stall_seconds:
                raise CannotAuditError(
                    f"Kafka gave no record for {self._stall_seconds:g} s: {ends}"
                )

    async def _poll(
        self, partitions: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, Sequence[Any]]:
        """The next records; what retention removes meanwhile is passed over."""
        try:
            polled: Mapping[TopicPartition, Sequence[Any]] = await self._consumer.getmany(
                *partitions, timeout_ms=_POLL_MS, max_records=_POLL_RECORDS
            )
        except OffsetOutOfRangeError as error:
            wanted: Mapping[TopicPartition, int] = error.args[0]
            starts = await self.starts(wanted)
            if any(starts[partition] <= offset for partition, offset in wanted.items()):
                raise
            for partition, start in starts.items():
                self._consumer.seek(partition, start)
            return {}
        return polled

    def _rest(self, partitions: Collection[TopicPartition]) -> None:
        """Stop fetching, and drop what was fetched beyond need."""
        if partitions:
            self._consumer.pause(*partitions)
        for partition in partitions:
            self._consumer.seek(partition, 0)

    async def _is_past(self, partition: TopicPartition, end: int) -> bool:
        return bool(await self._consumer.position(partition) >= end)


def _within(
    polled: Mapping[TopicPartition, Sequence[Any]], ends: Mapping[TopicPartition, int]
) -> Iterator[LogBatch]:
    """Leave out what lies beyond the range."""
    for partition, records in polled.items():
        end = ends[partition]
        inside = records if records[-1].offset < end else [r for r in records if r.offset < end]
        if inside:
            yield LogBatch(partition, inside)


async def _count_partitions(
    access: KafkaAccess, timeout_seconds: float, topics: Collection[str]
) -> dict[str, int]:
    """Partitions of those topics that exist. Asks for all: asking for one by name could create it."""
    admin = AIOKafkaAdminClient(
        **kafka_options(access), request_timeout_ms=int(timeout_seconds * 1000)
    )
    try:
        await admin.start()
        return {
            topic["topic"]: len(topic["partitions"])
            for topic in await admin.describe_topics()
            if topic["topic"] in topics
        }
    finally:
        await admin.close()


async def _tell_denial(access: KafkaAccess) -> None:
    try:
        await refuse_if_denied(access)
    except AccessDeniedError as error:
        raise CannotAuditError(str(error)) from error


@asynccontextmanager
async def open_logs(
    access: KafkaAccess, topics: Collection[str], timeout_seconds: float
) -> AsyncIterator[KafkaLogs]:
    """Connect to a cluster to read those of `topics` that exist.

    Raises:
        CannotAuditError: the cluster cannot be reached.
    """
    try:
        counts = await _count_partitions(access, timeout_seconds, topics)
    except (KafkaError, OSError, TimeoutError) as error:
        await _tell_denial(access)
        raise CannotAuditError(
            f"Kafka at {access.kafka_bootstrap_servers} cannot be reached ({type(error).__name__}: {error}); check"
            " ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"
        ) from error
    mend_header_names()
    consumer = AIOKafkaConsumer(
        **kafka_options(access),
        group_id=None,
        client_id="rollcall-verify",
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_wait_ms=_FETCH_WAIT_MS,
    )
    uncommitted = AIOKafkaConsumer(
        **kafka_options(access),
        group_id=None,
        client_id="rollcall-verify-ends",
        isolation_level="read_uncommitted",
        enable_auto_commit=False,
    )
    try:
        await consumer.start()
        await uncommitted.start()
        yield KafkaLogs(consumer, uncommitted, counts, timeout_seconds * 3)
    finally:
        await uncommitted.stop()
        await consumer.stop()
