"""The transactional producer of one lane: a segment's records and the lane's position, or neither."""

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from rollcall import failpoints
from rollcall.access.kafka import kafka_options
from rollcall.cancellation import apart
from rollcall.closing import close
from rollcall.failpoints import Failpoint
from rollcall.outbox.event import OutgoingRecord
from rollcall.outbox.lane_position import LanePosition, read_lane_position
from rollcall.outbox.prompt_producer import PromptProducer
from rollcall.outbox.publication import Headers, place
from rollcall.outbox.raw_record import RawRecord
from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import StoredSegment
from rollcall.settings import ServiceSettings
from rollcall.topology import Topology
from rollcall.tracing.outcome import outcome_of

if TYPE_CHECKING:
    from rollcall.tracing.relay_spans import RelaySpans
    from rollcall.tracing.tracing import Tracing

_BATCH_BYTES = 512 * 1024
_MAX_REQUEST_BYTES = 80 * 1024 * 1024
TRANSACTION_TIMEOUT_SECONDS = 10
_REQUEST_TIMEOUT_SECONDS = 8


class LaneProducer:
    """Publishes segments of one lane under its transactional id, fencing every earlier owner.

    After any error the outcome of the transaction is unknown: close this producer and open a new
    one, which asks Kafka where the lane stands.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        topology: Topology,
        lane: int,
        codec: SegmentCodec,
        tracing: "Tracing | None" = None,
    ) -> None:
        self._settings = settings
        self._topology = topology
        self._lane = lane
        self._codec = codec
        self._tracing = tracing
        self._position_partition = TopicPartition(
            settings.topic(topology.lane_positions.name), lane
        )
        self._partition_counts: dict[str, int] = {}
        self._producer = PromptProducer(
            **kafka_options(settings),
            client_id=f"{settings.instance_id}-lane-{lane}",
            transactional_id=f"{settings.topic_prefix}{settings.consumer_group}-lane-{lane}",
            transaction_timeout_ms=TRANSACTION_TIMEOUT_SECONDS * 1000,
            request_timeout_ms=_REQUEST_TIMEOUT_SECONDS * 1000,
            max_batch_size=_BATCH_BYTES,
            max_request_size=_MAX_REQUEST_BYTES,
            retry_backoff_ms=20,
        )

    async def open(self) -> LanePosition | None:
        """Fence earlier owners, then read the lane's position, which can no longer move; None = it has none.

        Raises:
            aiokafka.errors.KafkaError, TimeoutError: Kafka cannot be reached; try again later.
        """
        async with asyncio.timeout(TRANSACTION_TIMEOUT_SECONDS * 2):
            await self._producer.start()
        failpoints.reached(Failpoint.LANE_FENCED)
        self._partition_counts = await self._count_partitions()
        consumer = AIOKafkaConsumer(
            **kafka_options(self._settings),
            client_id=f"{self._settings.instance_id}-lane-{self._lane}-position",
            isolation_level="read_committed",
            enable_auto_commit=False,
        )
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT_SECONDS):
                await consumer.start()
            consumer.assign([self._position_partition])
            return await read_lane_position(
                consumer, self._position_partition, _REQUEST_TIMEOUT_SECONDS
            )
        finally:
            await apart(consumer.stop())

    async def publish(self, segments: Sequence[StoredSegment]) -> LanePosition:
        """Publish segments in order, with the position after the last, in one transaction.

        Raises:
            aiokafka.errors.KafkaError, TimeoutError: the outcome is unknown.
        """
        position = LanePosition(segments[-1].seq)
        spans = self._tracing.relay(self._lane) if self._tracing else None
        with outcome_of(spans):
            await self._transact(segments, position, spans)
        failpoints.reached(Failpoint.LANE_COMMITTED)
        return position

    async def end_earlier(self, segments: Sequence[StoredSegment]) -> None:
        """Abort what an earlier publication of these segments has left in Kafka, or brings there late.

        Fencing its owner should have done that. Where a partition has no leader at that moment, some
        brokers leave the marker out (decision 47), and the next commit would commit both publications.

        Raises:
            aiokafka.errors.KafkaError, TimeoutError: the outcome is unknown.
        """
        partitions = {self._position_partition}
        for segment in segments:
            records = self._codec.decode(segment.payload)
            for record, partition, _ in place(
                self._lane, segment.seq, records, self._partition_counts
            ):
                partitions.add(TopicPartition(self._settings.topic(record.topic), partition))
        async with asyncio.timeout(TRANSACTION_TIMEOUT_SECONDS):
            await self._producer.abort_in(partitions)

    async def note(self, position: LanePosition) -> None:
        """Write a position that Kafka does not have, or no more, with no record beside it.

        Raises:
            aiokafka.errors.KafkaError, TimeoutError: the outcome is unknown.
        """
        async with asyncio.timeout(TRANSACTION_TIMEOUT_SECONDS):
            await self._producer.begin_transaction()
            await (await self._send_position(position))
            await self._producer.commit_transaction()

    async def _transact(
        self,
        segments: Sequence[StoredSegment],
        position: LanePosition,
        spans: "RelaySpans | None",
    ) -> None:
        async with asyncio.timeout(TRANSACTION_TIMEOUT_SECONDS):
            await self._producer.begin_transaction()
            failpoints.reached(Failpoint.LANE_BEGUN)
            deliveries = await self._send(segments, spans)
            failpoints.reached(Failpoint.LANE_RECORDS_SENT)
            deliveries.append(await self._send_position(position))
            failpoints.reached(Failpoint.LANE_POSITION_SENT)
            await asyncio.gather(*deliveries)
            failpoints.reached(Failpoint.LANE_ACKNOWLEDGED)
            await self._producer.commit_transaction()

    async def close(self) -> None:
        """Close within a few seconds, whatever Kafka does."""
        await close(self._producer)

    async def _count_partitions(self) -> dict[str, int]:
        async with asyncio.timeout(_REQUEST_TIMEOUT_SECONDS):
            return {
                topic.name: len(
                    await self._producer.partitions_for(self._settings.topic(topic.name))
                )
                for topic in (*self._topology.inputs, *self._topology.outputs)
            }

    async def _send(
        self, segments: Sequence[StoredSegment], spans: "RelaySpans | None"
    ) -> list[Any]:
        """Fill one batch for each partition; `send_batch` costs half of what `send` does."""
        builders: dict[tuple[str, int], Any] = {}
        deliveries = []
        timestamp = int(time.time() * 1000)
        for segment in segments:
            records = self._codec.decode(segment.payload)
            placed = place(self._lane, segment.seq, records, self._partition_counts)
            for record, partition, headers in placed:
                if spans is not None:
                    headers = spans.sent(record.topic, headers)
                target = record.topic, partition
                builder = builders.get(target)
                if builder is not None and _append(builder, record, timestamp, headers):
                    continue
                if builder is not None:
                    deliveries.append(await self._submit(target, builder))
                builders[target] = builder = self._producer.create_batch()
                _append(builder, record, timestamp, headers)
        for target, builder in builders.items():
            deliveries.append(await self._submit(target, builder))
        return deliveries

    async def _send_position(self, position: LanePosition) -> Any:
        return await self._producer.send(
            self._position_partition.topic,
            position.encode(),
            key=str(self._lane).encode(),
            partition=self._lane,
        )

    async def _submit(self, target: tuple[str, int], builder: Any) -> Any:
        topic, partition = target
        return await self._producer.send_batch(
            builder, self._settings.topic(topic), partition=partition
        )


def _append(
    builder: Any, record: OutgoingRecord | RawRecord, timestamp_ms: int, headers: Headers
) -> bool:
    """Whether the batch had room for the record."""
    added = builder.append(
        timestamp=timestamp_ms, key=record.key, value=record.value, headers=headers
    )
    return added is not None
