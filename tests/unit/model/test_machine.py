"""Two instances, any interleaving, any crash, stall, lost request or answer: the promises hold.

The product's own decisions run here (chunks and their halves, checks of positions, claims, counts,
announcements, lanes, segments, the lane's producer) on models of what PostgreSQL and Kafka commit.
"""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

import orjson
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rollcall.consumer.records import InputRecord, Partition, Received
from rollcall.outbox.publication import LANE_SEQ_HEADER
from rollcall_events import DeadlinePolicy, EssayContentProvisionedV1
from tests.db.events import CORRELATION_ID, content
from tests.unit.model.database import LANES, POISON, Database
from tests.unit.model.instance import LaneOwner, Log, Worker
from tests.unit.model.lanes import in_place_of_kafka

BATCHES = {UUID(int=1): 1, UUID(int=2): 2, UUID(int=7): 3}
TEXTS = ["a", "b", "c", "d", f"{POISON}-1", f"{POISON}-2"]
TIMED_OUT = "BatchReadinessTimeoutV1"
ATTEMPTS_AT_REST = 1000

instances = st.integers(0, 1)
lanes = st.integers(0, LANES - 1)
lost_requests = st.just(0) | st.integers(1, 6)


class Protocol(RuleBasedStateMachine):
    """A stall is an instance that takes no step while the other does."""

    def __init__(self) -> None:
        super().__init__()
        self._kafka = in_place_of_kafka()
        self.broker = self._kafka.__enter__()
        self.runner = asyncio.Runner()
        self.database = Database({batch: [None] * size for batch, size in BATCHES.items()})
        self.logs = [Log(Partition("in", number)) for number in range(2)]
        self.workers = [Worker(self.database) for _ in range(2)]
        self.owners: dict[tuple[int, int], LaneOwner] = {}
        self.seen: dict[Partition, int] = {}

    @rule(
        number=st.integers(0, 1),
        batch=st.sampled_from(list(BATCHES)),
        texts=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4),
        gap=st.integers(0, 1),
    )
    def produce(self, number: int, batch: UUID, texts: list[str], gap: int) -> None:
        """Records arrive, and perhaps the marker of their transaction."""
        log = self.logs[number]
        for text in texts:
            data = content(batch, text)
            envelope = data.enveloped(
                event_id=UUID(int=0),
                event_timestamp=datetime(2026, 1, 1, tzinfo=UTC),
                source_service="model",
                correlation_id=CORRELATION_ID,
            )
            record = InputRecord(log.partition, log.end, None, b"", (), -1)
            log.items.append(Received(record, envelope))
            log.end += 1
        log.end += gap

    @rule(who=instances, both=st.booleans(), number=st.integers(0, 1), limit=st.integers(1, 5))
    def poll(self, who: int, both: bool, number: int, limit: int) -> None:
        """Both instances may believe that they own a partition."""
        if not self.workers[who].chunks:
            self.workers[who].poll(self.logs if both else [self.logs[number]], limit)

    @precondition(lambda self: any(worker.chunks for worker in self.workers))
    @rule(who=instances, attempts=st.integers(1, 3), answer_lost=st.booleans())
    def work(self, who: int, attempts: int, answer_lost: bool) -> None:
        """Attempts at chunks; the answer to the last commit may be lost."""
        for attempt in range(attempts):
            if self.workers[who].chunks:
                self.workers[who].work(answer_lost=answer_lost and attempt == attempts - 1)

    @rule(
        who=instances, lane=lanes, steps=st.integers(1, 3), lost=lost_requests, answer=st.booleans()
    )
    def relay(self, who: int, lane: int, steps: int, lost: int, answer: bool) -> None:
        """Steps of a lane's owner. In the last one a request may be lost, or the answer to it."""
        for step in range(steps):
            if (owner := self.owner(who, lane)) is None:
                return
            number = self.broker.requests + lost if lost and step == steps - 1 else None
            self.broker.lose_request = None if answer else number
            self.broker.lose_answer = number if answer else None
            self.runner.run(owner.step())

    def owner(self, who: int, lane: int) -> LaneOwner | None:
        """The instance's ownership of a lane, taken now if the lane is free."""
        held = self.owners.get((who, lane))
        if held is not None and not held.lost:
            return held
        if lane in self.database.sessions:
            return None
        owner = LaneOwner(self.database, lane)
        self.owners[who, lane] = self.database.sessions[lane] = owner
        return owner

    @precondition(lambda self: self.database.sessions)
    @rule(lane=lanes)
    def end_session(self, lane: int) -> None:
        """The server gives a lane away; its owner does not know."""
        self.database.sessions.pop(lane, None)

    @rule(batch=st.sampled_from(list(BATCHES)), policy=st.sampled_from(DeadlinePolicy))
    def time_out(self, batch: UUID, policy: DeadlinePolicy) -> None:
        """A sweep finds that a batch's deadline has passed, for the first time or once more."""
        self.database.time_out(batch, policy)

    @rule(who=instances)
    def crash(self, who: int) -> None:
        """All that an instance knew is gone."""
        self.workers[who].chunks.clear()
        for (instance, _), owner in self.owners.items():
            if instance == who:
                owner.lose()

    @invariant()
    def positions_move_forward_and_stay_inside_the_log(self) -> None:
        """Invariant 5."""
        for log in self.logs:
            position = self.database.positions[log.partition]
            assert self.seen.get(log.partition, 0) <= position <= log.end
            self.seen[log.partition] = position

    @invariant()
    def what_is_below_a_position_was_handled_once_and_nothing_else(self) -> None:
        """Invariant 1, for records."""
        passed = {
            (log.partition, item.record.offset): 1
            for log in self.logs
            for item in log.items
            if item.record.offset < self.database.positions[log.partition]
        }
        assert self.database.handled == passed

    @invariant()
    def no_content_holds_two_slots(self) -> None:
        """Invariant 2."""
        for batch, slots in self.database.slots.items():
            held = self.texts(batch)
            assert len(held) == len(set(held))
            assert not {(batch, text) for text in held} & self.database.excess
            full = None not in slots and batch not in self.database.closed
            assert self.database.completed.count(batch) == full

    @invariant()
    def events_are_published_once_after_their_cause_and_completions_last(self) -> None:
        """Invariants 3 and 4, as a read_committed consumer sees them."""
        events = self.published()
        assert max(Counter(event["event_id"] for event in events).values(), default=0) <= 1
        headers = [dict(w.headers).get(LANE_SEQ_HEADER) for w in self.written()]
        assert len(headers) == len(set(headers))
        places = self.places(events)
        assert places <= self.expected_places()
        for event in events:
            batch = UUID(event["data"]["batch_id"])
            if event["event_type"] == "BatchContentProvisioningCompletedV1":
                assert {("EssaySlotAssignedV1", batch, t) for t in self.texts(batch)} <= places
                assert batch not in self.database.timed_out or (TIMED_OUT, batch, "") in places
            if event["event_type"] == "ExcessContentProvisionedV1":
                assert event["data"]["reason"] == self.database.reason(batch)

    def teardown(self) -> None:
        """Restart everything, let it come to rest, and look again."""
        try:
            self.come_to_rest()
            self.check_rest()
        finally:
            self.runner.close()
            self._kafka.__exit__(None, None, None)

    def come_to_rest(self) -> None:
        """One fresh instance finishes what is left."""
        for who in (0, 1):
            self.crash(who)
        self.database.sessions.clear()
        self.broker.lose_request = self.broker.lose_answer = None
        worker = self.workers[0]
        for _ in range(ATTEMPTS_AT_REST):
            if not worker.chunks:
                worker.poll(self.logs, 3)
            if not worker.chunks:
                break
            worker.work()
        for lane in range(LANES):
            for _ in range(ATTEMPTS_AT_REST):
                self.relay(0, lane, 1, 0, False)
                if not any(row.lane == lane for row in self.database.segments):
                    break

    def check_rest(self) -> None:
        """Section 9 at rest: nothing waits, nothing is missing."""
        self.what_is_below_a_position_was_handled_once_and_nothing_else()
        self.no_content_holds_two_slots()
        self.events_are_published_once_after_their_cause_and_completions_last()
        assert [self.database.positions[log.partition] for log in self.logs] == [
            log.end for log in self.logs
        ]
        assert self.database.segments == []
        assert self.database.dead == {
            (log.partition, item.record.offset): 1
            for log in self.logs
            for item in log.items
            if item.data.text_storage_id.startswith(POISON)
        }
        for log in self.logs:
            for item in log.items:
                self.check_placed(item.data)
        assert self.places(self.published()) == self.expected_places()

    def check_placed(self, data: EssayContentProvisionedV1) -> None:
        """Exactly one of slot, excess and dead letter."""
        text, batch = data.text_storage_id, data.batch_id
        places = [text in self.database.slots[batch], (batch, text) in self.database.excess]
        assert sum(places) == (not text.startswith(POISON))

    def written(self) -> list:
        """Committed records of all output topics."""
        topics = {target.topic for target in self.broker.logs if ".relay." not in target.topic}
        return [written for topic in sorted(topics) for written in self.broker.committed(topic)]

    def published(self) -> list[dict]:
        """Committed events."""
        return [orjson.loads(written.value) for written in self.written()]

    def texts(self, batch: UUID) -> list[str]:
        """Contents that hold slots of a batch."""
        return [text for text in self.database.slots[batch] if text]

    def places(self, events: list[dict]) -> set[tuple[str, UUID, str]]:
        """What events say: type, batch, content."""
        return {
            (
                event["event_type"],
                UUID(event["data"]["batch_id"]),
                event["data"].get("text_storage_id", ""),
            )
            for event in events
        }

    def expected_places(self) -> set[tuple[str, UUID, str]]:
        """What the rows of the database say that events may tell."""
        completions = ("BatchContentProvisioningCompletedV1", "BatchEssaysReadyV1")
        return {
            *(("EssaySlotAssignedV1", b, t) for b in self.database.slots for t in self.texts(b)),
            *(("ExcessContentProvisionedV1", b, t) for b, t in self.database.excess),
            *((name, batch, "") for batch in self.database.completed for name in completions),
            *((TIMED_OUT, batch, "") for batch in self.database.timed_out),
        }


Protocol.TestCase.settings = settings(
    max_examples=120,
    stateful_step_count=60,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],  # shrinking takes a minute; add Phase.shrink to read a failure
    suppress_health_check=list(HealthCheck),
)
TestProtocol = Protocol.TestCase
