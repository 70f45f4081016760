"""How far each lane is published, by Kafka's own record of it."""

import json
from typing import Any

from aiokafka import TopicPartition

from rollcall_cluster.auditor.database import Snapshot
from rollcall_cluster.auditor.kafka_log import KafkaLogs, LogRange
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.rest import Look

Row = tuple[Any, ...]


class LanePositions:
    """The newest position record of each lane, read on from where the last reading ended."""

    def __init__(self, logs: KafkaLogs, logbook: Logbook) -> None:
        self._logs = logs
        self._topics = logbook.names("internal")
        self._read_up_to: dict[TopicPartition, int] = {}
        self._newest: dict[int, int] = {}

    async def newest(self) -> dict[int, int]:
        """Segment numbers by lane; lanes that have noted no position are not in it.

        Raises:
            CannotAuditError: the topic does not exist.
        """
        partitions = self._logs.partitions(self._topics)
        ends = await self._logs.settled_ends(partitions)
        starts = await self._logs.starts(partitions)
        ranges = {p: LogRange(self._read_up_to.get(p, starts[p]), ends[p]) for p in partitions}
        async for batch in self._logs.read(ranges):
            for record in batch.records:
                self._newest[int(record.key)] = int(json.loads(record.value)["seq"])
        self._read_up_to = ends
        return dict(self._newest)


async def lane_rows(
    snapshot: Snapshot, look: Look, early: dict[int, int], now: dict[int, int]
) -> list[Row]:
    """Rows of `lane`: what the database and Kafka know of each."""
    known = await snapshot.lanes()
    rows = []
    for lane in sorted({*known, *look.backlogs, *now}):
        last_seq, published_seq = known.get(lane, (None, None))
        backlog = look.backlogs.get(lane)
        segments, events = (backlog.segments, backlog.events) if backlog else (0, 0)
        rows.append(
            (lane, last_seq, published_seq, early.get(lane), now.get(lane), segments, events)
        )
    return rows
