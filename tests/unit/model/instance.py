"""An instance of the model: a worker and a relay whose steps a test takes one by one."""

from collections.abc import Sequence

from aiokafka.errors import KafkaError

from rollcall.consumer.chunk import Chunk, Span
from rollcall.consumer.positions import LogRange, check_position
from rollcall.consumer.records import Item, Partition
from rollcall.errors import PositionConflictError
from rollcall.outbox.lane_position import LanePosition, check_lane_position
from rollcall.outbox.producer import LaneProducer
from rollcall.outbox.store import StoredSegment
from tests.unit.model.database import Database
from tests.unit.model.lanes import lane_producer


class Log:
    """An input partition; offsets may have gaps, as transaction markers leave them."""

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.items: list[Item] = []
        self.end = 0


class Worker:
    """Polls chunks and commits them; knows only what it has read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.chunks: list[Chunk] = []

    def poll(self, logs: Sequence[Log], limit: int) -> None:
        """Read the next records of each partition, as its position tells now."""
        items: list[Item] = []
        spans: dict[Partition, Span] = {}
        for log in logs:
            position = self._database.positions[log.partition]
            assert check_position(log.partition, position, LogRange(0, log.end)) is None
            found = [item for item in log.items if item.record.offset >= position]
            reached = log.end if len(found) <= limit else found[limit].record.offset
            items += found[:limit]
            if reached > position:
                spans[log.partition] = Span(position, reached)
        if spans:
            self.chunks = [Chunk(items, spans, generation=1)]

    def work(self, *, answer_lost: bool = False) -> None:
        """One attempt at the first chunk: commit, bisect, or find out that another was faster."""
        chunk = self.chunks[0]
        try:
            self._database.commit(chunk)
        except PositionConflictError:
            self.chunks.clear()
        except ValueError as error:
            parts = chunk.halves() if len(chunk.items) > 1 else [chunk.set_aside(error, ["model"])]
            self.chunks[:1] = parts
        else:
            if not answer_lost:
                del self.chunks[0]


class LaneOwner:
    """One ownership of a lane, from the lock to the loss of it."""

    def __init__(self, database: Database, lane: int) -> None:
        self._database = database
        self._lane = lane
        self._producer: LaneProducer = lane_producer(lane)
        self._segments: list[StoredSegment] = []
        self._position: LanePosition | None = None
        self.lost = False

    @property
    def has_session(self) -> bool:
        """Whether the server still knows this owner's session."""
        return self._database.sessions.get(self._lane) is self

    def lose(self) -> None:
        """Give the lane up, or notice that it is gone."""
        self.lost = True
        if self.has_session:
            del self._database.sessions[self._lane]

    async def step(self) -> None:
        """The next thing that an owner does: open, take, or publish."""
        try:
            if self._position is None:
                position = await self._producer.open()
                if self.has_session:
                    known = self._database.lane_range(self._lane)
                    check_lane_position(self._lane, position, known)
                    if position is None:
                        await self._producer.note(LanePosition(0))
                self._position = position or LanePosition(0)
            elif self._segments:
                self._position = await self._producer.publish(self._segments)
                self._segments = []
            elif self.has_session:
                self._segments = self._database.take_next(self._lane, self._position.seq, limit=2)
            if not self.has_session and not self._segments:
                self.lose()
        except KafkaError:
            self.lose()
