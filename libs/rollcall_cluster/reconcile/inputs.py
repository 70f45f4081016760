"""What has to be read from the input again at once: registrations and failures that outputs speak of."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any
from uuid import UUID

from aiokafka import TopicPartition

from essay_lifecycle_service.domain.claims import Claim, claim_of_failure
from essay_lifecycle_service.domain.registration import Registration
from rollcall.consumer.decoding import Decoder
from rollcall.consumer.records import InputRecord, Partition, Received
from rollcall_cluster.auditor.kafka_log import KafkaLogs, LogRange
from rollcall_events import BatchEssaysRegisteredV1, EssayValidationFailedV1, EventData
from rollcall_events.topics import topic_for


class UnhandledInput:
    """The input from the restored positions on."""

    def __init__(
        self,
        logs: KafkaLogs,
        topic_prefix: str,
        positions: Mapping[tuple[str, int], int],
        record_max_bytes: int,
    ) -> None:
        self._logs = logs
        self._prefix = topic_prefix
        self._positions = positions
        self._max_bytes = record_max_bytes

    async def registrations(
        self, wanted: Collection[UUID]
    ) -> AsyncIterator[tuple[Registration, InputRecord]]:
        """Registrations of these batches, in the order of each partition."""
        async for received in self._events(BatchEssaysRegisteredV1):
            if received.data.batch_id in wanted:
                registration = Registration.of(received.data, received.envelope.correlation_id)
                yield registration, received.record

    async def failures(self, wanted: Collection[UUID]) -> AsyncIterator[Claim]:
        """Validation failures of these batches, in the order of each partition."""
        async for received in self._events(EssayValidationFailedV1):
            if received.data.batch_id in wanted:
                yield claim_of_failure(received.data, received.envelope.correlation_id)

    async def _events(self, model: type[EventData]) -> AsyncIterator[Received[Any]]:
        decoder = Decoder([model], self._max_bytes)
        partitions = self._logs.partitions([topic_for(model).prefixed(self._prefix)])
        starts = await self._logs.starts(partitions)
        ends = await self._logs.ends(partitions)
        ranges = {p: LogRange(self._first(p, starts[p]), ends[p]) for p in partitions}
        async for batch in self._logs.read(ranges):
            where = Partition(batch.partition.topic, batch.partition.partition)
            for record in batch.records:
                item = decoder.decode(InputRecord.of(where, record))
                if isinstance(item, Received):
                    yield item

    def _first(self, partition: TopicPartition, start: int) -> int:
        return max(start, self._positions.get((partition.topic, partition.partition), start))
