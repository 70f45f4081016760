"""Reads ranges of logs into a scratch database."""

from collections import Counter
from collections.abc import Iterable, Sequence

from aiokafka import TopicPartition
from pydantic import BaseModel, ConfigDict

from rollcall_cluster.auditor.input_facts import InputFacts
from rollcall_cluster.auditor.kafka_log import KafkaLogs, LogBatch, LogRange
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.output_facts import OutputFacts
from rollcall_cluster.auditor.progress import Progress
from rollcall_cluster.auditor.scratch import Scratch

_DEAD = "SELECT place FROM dead_letter WHERE log = :log AND place BETWEEN :first AND :last"


class Reach(BaseModel):
    """What is to be read of one partition. Output below `early_end` was there before the snapshot."""

    model_config = ConfigDict(frozen=True)

    topic: str
    partition: int
    start: int
    end: int
    early_end: int

    @property
    def records(self) -> int:
        """How many offsets it covers."""
        return max(0, self.end - self.start)

    @property
    def where(self) -> TopicPartition:
        """The partition."""
        return TopicPartition(self.topic, self.partition)


class LogReading:
    """Turns records into facts. The scratch database must hold the dead letters of what is read."""

    def __init__(
        self, scratch: Scratch, logbook: Logbook, consumer_group: str, record_max_bytes: int
    ) -> None:
        self._scratch = scratch
        self._logbook = logbook
        self._group = consumer_group
        self._max_bytes = record_max_bytes

    async def read(
        self, logs: KafkaLogs, reaches: Sequence[Reach], progress: Progress
    ) -> Counter[str]:
        """Read everything in `reaches`; returns how many records each topic had."""
        count: Counter[str] = Counter()
        takers = {reach.where: self._taker(reach) for reach in reaches}
        async for batch in logs.read({r.where: LogRange(r.start, r.end) for r in reaches}):
            self._take(takers[batch.partition], batch)
            count[batch.partition.topic] += len(batch.records)
            progress.advance(len(batch.records))
        return count

    def _taker(self, reach: Reach) -> InputFacts | OutputFacts:
        number = self._logbook.number(reach.topic, reach.partition)
        assert number is not None
        topic = self._logbook.topic(reach.where)
        model = topic.models[0]
        if topic.direction == "in":
            return InputFacts(model, number, self._max_bytes)
        return OutputFacts(model, number, reach.early_end, self._group, self._logbook)

    def _take(self, taker: InputFacts | OutputFacts, batch: LogBatch) -> None:
        if isinstance(taker, InputFacts):
            rows = taker.rows(batch.records, self._dead(batch))
        else:
            rows = taker.rows(batch.records)
        for table, table_rows in rows.items():
            self._scratch.insert(table, table_rows)

    def _dead(self, batch: LogBatch) -> frozenset[int]:
        """Offsets of the batch that have a dead letter."""
        span = {
            "log": self._logbook.number(*batch.partition),
            "first": batch.records[0].offset,
            "last": batch.records[-1].offset,
        }
        return frozenset(place for (place,) in self._scratch.rows(_DEAD, span))


def share_out(reaches: Iterable[Reach], shares: int) -> list[list[Reach]]:
    """Split work evenly by records: the largest first, each to whom has least. No shares: no work."""
    piles: list[list[Reach]] = [[] for _ in range(shares)]
    weights = [0] * shares
    for reach in sorted(reaches if shares else (), key=lambda reach: reach.records, reverse=True):
        lightest = weights.index(min(weights))
        piles[lightest].append(reach)
        weights[lightest] += reach.records
    return [pile for pile in piles if pile]
