"""A deployment that is restored: its story, its database, and Kafka's logs in memory."""

import math
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping
from importlib import resources
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from aiokafka import TopicPartition

from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall.consumer.chunk import Chunk
from rollcall.outbox.publication import LANE_SEQ_HEADER
from rollcall.outbox.raw_record import RawRecord
from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import LaneRange
from rollcall.topology import Topology
from rollcall_cluster.auditor.kafka_log import LogBatch, LogRange
from rollcall_cluster.purge.progress import Silent
from rollcall_cluster.reconcile.reconciling import Reconciled, Reconciliation
from rollcall_events import EssayContentProvisionedV1, EventData
from rollcall_events.topics import TOPICS, topic_for
from tests.db.deadlines import COMPLETE_PARTIAL, with_deadline
from tests.db.events import content, failure, message, registration
from tests.db.replica import LANES, Replica

_EMPTY = """
ALTER TABLE operator_audit DISABLE TRIGGER append_only;
TRUNCATE batch, slot, unplaced, completion, segment, lane, position, dead_letter, replay, operator_audit
RESTART IDENTITY CASCADE;
ALTER TABLE operator_audit ENABLE TRIGGER append_only;
"""


class Story(NamedTuple):
    """What comes in, chunk after chunk; the deadline of the last batch passes before the last chunk."""

    batches: tuple[UUID, UUID, UUID]
    chunks: list[list[EventData | bytes]]

    @classmethod
    def new(cls) -> "Story":
        one, two, three = uuid4(), uuid4(), uuid4()
        chunks: list[list[EventData | bytes]] = [
            [registration(one, 4), content(one, "a")],
            [content(two, "a"), failure(one, "f")],
            [registration(two, 2), content(one, "b"), content(one, "c")],
            [
                content(one, "d"),
                failure(one, "g"),
                with_deadline(three, 3, COMPLETE_PARTIAL),
                content(three, "a"),
                failure(three, "f"),
            ],
            [failure(two, "f"), b"{"],
            [content(three, "late")],
        ]
        return cls((one, two, three), chunks)

    @property
    def contents(self) -> set[tuple[str, str]]:
        records = [record for chunk in self.chunks for record in chunk]
        return {
            (str(r.batch_id), r.text_storage_id)
            for r in records
            if isinstance(r, EssayContentProvisionedV1)
        }


class Published(NamedTuple):
    """A segment with its number in its lane."""

    lane: int
    seq: int
    payload: bytes


class Logs:
    """Kafka's logs in memory, one partition each."""

    def __init__(self, story: Story, published: Collection[Published]) -> None:
        self._records: dict[str, list[Any]] = defaultdict(list)
        for segment in published:
            for index, record in enumerate(SegmentCodec().decode(segment.payload)):
                place = b"%d:%d:%d" % (segment.lane, segment.seq, index)
                own = list(record.headers) if isinstance(record, RawRecord) else []
                self._append(record.topic, record.value, [*own, (LANE_SEQ_HEADER, place)])
        for event in (record for chunk in story.chunks for record in chunk):
            if isinstance(event, EventData):
                self._append(topic_for(type(event)).name, message(event), [])

    def _append(self, topic: str, value: bytes | None, headers: list[Any]) -> None:
        log = self._records[topic]
        log.append(
            SimpleNamespace(offset=len(log), key=b"", value=value, headers=headers, timestamp=0)
        )

    def partitions(self, topics: Collection[str]) -> list[TopicPartition]:
        return [TopicPartition(topic, 0) for topic in topics]

    async def starts(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def ends(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        return {partition: len(self._records[partition.topic]) for partition in partitions}

    settled_ends = ends

    async def read(self, ranges: Mapping[TopicPartition, LogRange]) -> AsyncIterator[LogBatch]:
        for partition, log in ranges.items():
            if records := self._records[partition.topic][log.start : log.end]:
                yield LogBatch(partition, records)


class Deployment:
    """The database, and a replica that handles the story on it."""

    def __init__(self, connection: Any, replica: Replica, story: Story) -> None:
        self.connection = connection
        self.replica = replica
        self.story = story

    async def begin(self) -> None:
        """An empty database."""
        await self.connection.execute(_EMPTY)
        lanes = "INSERT INTO lane (lane) SELECT generate_series(0, $1 - 1)"
        await self.connection.execute(lanes, LANES)
        self.replica.next_offset.clear()

    async def handle(self, chunks: int) -> None:
        """The first chunks of the story."""
        for number, records in enumerate(self.story.chunks[:chunks], 1):
            if number == len(self.story.chunks):
                await self.pass_deadline()
            await self.replica.handle(*records)

    async def handle_rest(self, done: int) -> None:
        """What follows, read again as one chunk and in another order."""
        records = [record for chunk in self.story.chunks[done:] for record in chunk]
        chunk: Chunk = await self.replica.chunk(*records)
        chunk.items.reverse()
        await self.replica.process(chunk)
        await self.replica.sweep()
        await self.pass_deadline()

    async def pass_deadline(self) -> None:
        """The last batch's, if it still may; the sweep sees it."""
        await self.connection.execute(
            "UPDATE batch SET deadline_at = now() - interval '1 s'"
            " WHERE deadline_at IS NOT NULL AND timed_out_at IS NULL AND state = 'open'"
        )
        await self.replica.sweep()

    async def segments(self) -> list[Published]:
        """All that is to be published, numbered as the relay would."""
        rows = await self.connection.fetch(
            "SELECT lane, row_number() OVER (PARTITION BY lane ORDER BY id) AS seq, payload FROM segment"
        )
        return [Published(*row) for row in rows]

    async def publish(self, share: float) -> dict[int, int]:
        """Number and forget a share of each lane's segments; returns the newest numbers."""
        last = {}
        for lane in range(LANES):
            count = await self.connection.fetchval(
                "SELECT count(*) FROM segment WHERE lane = $1", lane
            )
            last[lane] = math.floor(count * share)
            await self.connection.execute(
                "DELETE FROM segment WHERE id IN"
                " (SELECT id FROM segment WHERE lane = $1 ORDER BY id LIMIT $2)",
                lane,
                last[lane],
            )
            await self.connection.execute(
                "UPDATE lane SET last_seq = $2, published_seq = $2 WHERE lane = $1",
                lane,
                last[lane],
            )
        return last

    async def reconcile(
        self, published: Collection[Published], last: Mapping[int, int], in_kafka: Mapping[int, int]
    ) -> Reconciled:
        script = resources.files("rollcall_cluster.reconcile") / "told.sql"
        async with self.connection.transaction():
            await self.connection.execute(script.read_text())
            run = Reconciliation(
                EssayLifecycleSettings(),
                Topology(TOPICS),
                self.connection,
                Logs(self.story, published),  # type: ignore[arg-type]
                Silent(),
            )
            known = await run.known_lanes()
            assert known == {lane: LaneRange(seq, seq) for lane, seq in last.items()}
            return await run.run(known, in_kafka)


def newest(segments: Collection[Published]) -> dict[int, int]:
    """Where each lane stands once these are published."""
    return {
        lane: max((s.seq for s in segments if s.lane == lane), default=0) for lane in range(LANES)
    }
