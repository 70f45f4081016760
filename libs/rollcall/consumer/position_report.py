"""What is told of positions: lag to health and metrics, group offsets to Kafka as a hint."""

import asyncio
from collections.abc import Mapping

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import Gauge

from rollcall import failpoints, ticks
from rollcall.consumer.ownership import Ownership
from rollcall.consumer.records import Partition
from rollcall.failpoints import Failpoint
from rollcall.telemetry.health import Progress
from rollcall.telemetry.metrics import Metrics

log = structlog.get_logger()

_KAFKA_TIMEOUT_SECONDS = 5.0
_REPORT_SECONDS = 1.0


class PositionReport:
    """Compares what is committed with the ends of the logs, once a second.

    Attributes:
        committed: positions of the owned partitions in PostgreSQL; the consumer keeps it current.
        lags: records that wait in each of them, as of the last look.
    """

    def __init__(
        self, kafka: AIOKafkaConsumer, ownership: Ownership, progress: Progress, metrics: Metrics
    ) -> None:
        self._kafka = kafka
        self._ownership = ownership
        self._progress = progress
        self._metrics = metrics
        self._sent: dict[Partition, int] = {}
        self._exposed: dict[Partition, tuple[Gauge, Gauge]] = {}
        self.committed: dict[Partition, int] = {}
        self.lags: dict[Partition, int] = {}

    async def run_for_ever(self) -> None:
        """Measure and send; asked of the broker, not of the fetcher, which may be dead."""
        while True:
            try:
                await self._measure_lag()
                await self.send()
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("report_failed", error=repr(error))
            self._metrics.progress_age_seconds.set(self._progress.age_seconds)
            await ticks.sleep(_REPORT_SECONDS)

    async def send(self) -> None:
        """Tell the group how far PostgreSQL is, for lag monitoring alone.

        Raises:
            KafkaError, OSError, TimeoutError: Kafka does not answer.
        """
        owned = self._ownership.positions
        current = {p: offset for p, offset in self.committed.items() if p in owned}
        if current and current != self._sent:
            failpoints.reached(Failpoint.REPORT_DUE)
            async with asyncio.timeout(_KAFKA_TIMEOUT_SECONDS):
                await self._kafka.commit({TopicPartition(*p): o for p, o in current.items()})
            failpoints.reached(Failpoint.REPORT_SENT)
            self._sent = current

    async def _measure_lag(self) -> None:
        if self._ownership.unpositioned:
            return  # silence makes health say that this instance is blind
        committed = dict(self.committed) if self._ownership.positions else {}
        targets = [TopicPartition(*partition) for partition in committed]
        ends: dict[TopicPartition, int] = {}
        if targets:
            async with asyncio.timeout(_KAFKA_TIMEOUT_SECONDS):
                ends = await self._kafka.end_offsets(targets)
        self.lags = {
            partition: max(ends[TopicPartition(*partition)] - offset, 0)
            for partition, offset in committed.items()
        }
        paused = self._ownership.paused
        self._progress.report_lag(sum(n for p, n in self.lags.items() if p.topic not in paused))
        self._metrics.lag_records.set(sum(self.lags.values()))
        self._expose(committed)

    def _expose(self, committed: Mapping[Partition, int]) -> None:
        """The owned partitions one by one, and no other."""
        for partition in self._exposed.keys() - committed.keys():
            for gauge in (
                self._metrics.partition_lag_records,
                self._metrics.partition_position_records,
            ):
                gauge.remove(partition.topic, str(partition.number))
            del self._exposed[partition]
        for partition, offset in committed.items():
            lag, position = self._exposed.get(partition) or self._gauges(partition)
            lag.set(self.lags[partition])
            position.set(offset)

    def _gauges(self, partition: Partition) -> tuple[Gauge, Gauge]:
        labels = (partition.topic, str(partition.number))
        self._exposed[partition] = made = (
            self._metrics.partition_lag_records.labels(*labels),
            self._metrics.partition_position_records.labels(*labels),
        )
        return made
