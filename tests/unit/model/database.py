"""PostgreSQL's commit semantics in memory: a transaction takes effect as a whole or not at all.

Only what a statement would do is written here; what the product decides in Python is the product's own.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from essay_lifecycle_service.domain.announcements import (
    CompletedBatch,
    completion,
    excess_content,
    readiness_timeout,
    slot_assigned,
)
from essay_lifecycle_service.domain.claims import Claim, claim_of_content, distinct
from essay_lifecycle_service.domain.deadline import DueBatch
from essay_lifecycle_service.domain.placement import Taken, count_by_batch
from rollcall import Event
from rollcall.consumer.chunk import Chunk
from rollcall.consumer.records import Partition, Received
from rollcall.errors import PositionConflictError
from rollcall.outbox.encoding import encode_event
from rollcall.outbox.event import OutgoingRecord, lane_of
from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import LaneRange, StoredSegment
from rollcall.topology import Topology
from rollcall_events import DeadlinePolicy, EssayContentProvisionedV1, ExcessReason
from rollcall_events.topics import TOPICS

LANES = 2
POISON = "poison"
GIVEN_UP = ""
"""Stands in a slot that a deadline has closed."""
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Row:
    """A segment; its place in the list is its id."""

    lane: int
    payload: bytes
    seq: int | None = None


@dataclass
class Database:
    """Committed state; `slots` holds the batches that are registered, with their contents."""

    slots: dict[UUID, list[str | None]]
    positions: dict[Partition, int] = field(default_factory=lambda: defaultdict(int))
    excess: set[tuple[UUID, str]] = field(default_factory=set)
    dead: Counter[tuple[Partition, int]] = field(default_factory=Counter)
    handled: Counter[tuple[Partition, int]] = field(default_factory=Counter)
    completed: list[UUID] = field(default_factory=list)
    timed_out: list[UUID] = field(default_factory=list)
    closed: list[UUID] = field(default_factory=list)
    segments: list[Row] = field(default_factory=list)
    last_seq: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    published_seq: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    sessions: dict[int, object] = field(default_factory=dict)
    """Which session holds the advisory lock of a lane."""

    def commit(self, chunk: Chunk) -> None:
        """One chunk's transaction.

        Raises:
            PositionConflictError, ValueError: nothing has changed.
        """
        for partition, span in chunk.spans.items():
            if self.positions[partition] != span.expected:
                raise PositionConflictError(f"{partition} expected {span.expected}")
        received = chunk.received({EssayContentProvisionedV1})
        if any(item.data.text_storage_id.startswith(POISON) for item in received):
            raise ValueError("a value that the database refuses")
        self.positions |= {partition: span.next for partition, span in chunk.spans.items()}
        self.handled.update((item.record.partition, item.record.offset) for item in chunk.items)
        self.dead.update((r.record.partition, r.record.offset) for r in chunk.rejected())
        self._append(self._place(received))

    def _place(self, received: Sequence[Received[Any]]) -> list[Event]:
        """As EssayLifecycle._place: take, count, leave, announce, complete."""
        claims = distinct(claim_of_content(i.data, i.envelope.correlation_id) for i in received)
        taken, left = [], []
        for claim in claims:
            if claim.identity in self.slots[claim.batch_id] or self._is_excess(claim):
                continue
            if None in (slots := self.slots[claim.batch_id]):
                position = slots.index(None)
                slots[position] = claim.identity
                taken.append(Taken(claim, position, f"essay-{position}"))
            else:
                left.append(claim)
        self.excess |= {(claim.batch_id, claim.identity) for claim in left}
        full = [c.batch_id for c in count_by_batch(taken) if None not in self.slots[c.batch_id]]
        self.completed += full
        return [
            *(slot_assigned(item) for item in taken),
            *(excess_content(claim, self.reason(claim.batch_id)) for claim in left),
            *(event for batch_id in full for event in completion(self._complete(batch_id))),
        ]

    def time_out(self, batch_id: UUID, policy: DeadlinePolicy) -> None:
        """As Deadlines._time_out, of one batch whose deadline has passed."""
        slots = self.slots[batch_id]
        missing = [position for position, text in enumerate(slots) if text is None]
        if batch_id in self.timed_out or not missing:
            return
        filled = len(slots) - len(missing)
        due = DueBatch(batch_id, batch_id, len(slots), filled, 0, len(missing), policy.value, NOW)
        self.timed_out.append(batch_id)
        events = [readiness_timeout(due, [f"essay-{position}" for position in missing])]
        if due.next_state != "open":
            slots[:] = [GIVEN_UP if text is None else text for text in slots]
        if due.next_state == "completed":
            self.completed.append(batch_id)
            events += completion(self._complete(batch_id))
        elif due.next_state == "closed":
            self.closed.append(batch_id)
        self._append(events)

    def reason(self, batch_id: UUID) -> ExcessReason:
        """Why a content of a batch without open slot has none."""
        given_up = GIVEN_UP in self.slots[batch_id]
        return ExcessReason.BATCH_CLOSED if given_up else ExcessReason.NO_AVAILABLE_SLOT

    def _is_excess(self, claim: Claim) -> bool:
        return (claim.batch_id, claim.identity) in self.excess

    def _complete(self, batch_id: UUID) -> CompletedBatch:
        slots = [
            {"state": "missing", "essay_id": f"essay-{position}"}
            if text == GIVEN_UP
            else {"state": "filled", "essay_id": f"essay-{position}", "text_storage_id": text}
            for position, text in enumerate(self.slots[batch_id])
        ]
        batch = CompletedBatch(batch_id, batch_id, len(slots), "course", "", "user")
        batch.add(slots)
        return batch

    def _append(self, events: Sequence[Event]) -> None:
        by_lane: dict[int, list[OutgoingRecord]] = defaultdict(list)
        topology = Topology(TOPICS)
        for event in events:
            topic = topology.topic_of(type(event.data)).name
            record = encode_event(event, topic, "model", NOW)
            by_lane[lane_of(record.key, LANES)].append(record)
        codec = SegmentCodec()
        self.segments += [Row(lane, codec.encode(by_lane[lane])) for lane in sorted(by_lane)]

    def lane_range(self, lane: int) -> LaneRange:
        """As the statement lane_range."""
        return LaneRange(self.last_seq[lane], self.published_seq[lane])

    def take_next(self, lane: int, published: int, limit: int) -> list[StoredSegment]:
        """As the statements take_next and numbered: forget, number, return what is to publish."""
        self.segments = [
            row
            for row in self.segments
            if row.lane != lane or (row.seq or published + 1) > published
        ]
        self.published_seq[lane] = max(self.published_seq[lane], published)
        own = [row for row in self.segments if row.lane == lane]
        for row in [row for row in own if row.seq is None][:limit]:
            self.last_seq[lane] += 1
            row.seq = self.last_seq[lane]
        numbered = [StoredSegment(row.seq, row.payload) for row in own if row.seq is not None]
        return numbered[:limit]
