"""Which partitions this instance may fetch, from which offset, and under which assignment."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from rollcall import failpoints
from rollcall.consumer.positions import Refusal
from rollcall.consumer.records import Partition
from rollcall.failpoints import Failpoint

log = structlog.get_logger()


class Ownership(ConsumerRebalanceListener):  # type: ignore[misc]
    """Follows the group's assignment; PostgreSQL's positions decide where each partition starts.

    `generation` grows with every change, so that work begun under an older assignment is recognised.
    """

    def __init__(self, consumer: AIOKafkaConsumer, revocation_timeout_seconds: float) -> None:
        self._consumer = consumer
        self._timeout_seconds = revocation_timeout_seconds
        self.generation = 0
        self.assigned: frozenset[Partition] = frozenset()
        self.positions: dict[Partition, int] = {}
        self.refused: dict[Partition, str] = {}
        self._left: dict[Partition, str] = {}
        self.paused: dict[str, str] = {}
        self.settled = asyncio.Event()
        self.quiet = asyncio.Event()
        self.quiet.set()
        self._chunks_at_work = 0
        self.changed = asyncio.Event()

    @property
    def unpositioned(self) -> list[Partition]:
        """Partitions that are assigned but neither positioned nor refused."""
        return sorted(self.assigned - self.positions.keys() - self.refused.keys())

    @property
    def active(self) -> list[TopicPartition]:
        """The partitions to fetch: those positioned and not paused."""
        return [TopicPartition(*p) for p in self.positions if p.topic not in self.paused]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While a chunk is being worked on; `quiet` is set when there is none."""
        self._chunks_at_work += 1
        self.quiet.clear()
        try:
            yield
        finally:
            self._chunks_at_work -= 1
            if not self._chunks_at_work:
                self.quiet.set()

    def is_current(self, generation: int) -> Callable[[], bool]:
        """Whether the assignment of `generation` still holds, as a question to ask later."""
        return lambda: generation == self.generation

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Stop fetching, then let the chunks in flight finish or roll back within the deadline."""
        self._left = {}
        self._forget()
        self.assigned = frozenset()
        if not revoked:
            return
        try:
            await asyncio.wait_for(self.quiet.wait(), self._timeout_seconds)
        except TimeoutError:
            log.warning("revocation_deadline_passed", partitions=len(revoked))
        failpoints.reached(Failpoint.ASSIGNMENT_REVOKED)

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Hold every partition until its position has been read.

        Runs before anything is fetched. A plain function, so that nothing can come in between: the
        seek keeps the client from asking Kafka, whose committed offsets are only a hint.
        """
        self._left = {}
        self._forget()
        for partition in assigned:
            self._consumer.pause(partition)
            self._consumer.seek(partition, 0)
        self.assigned = frozenset(Partition(tp.topic, tp.partition) for tp in assigned)
        self.settled.set()
        log.info("partitions_assigned", count=len(assigned), generation=self.generation)

    def invalidate(self) -> None:
        """A position was not where it should be: read all of them again."""
        self._forget()

    def hold(self, paused: dict[str, str]) -> None:
        """Fetch nothing of these topics, each with its reason, from now on."""
        if paused != self.paused:
            self.paused = paused
            self._forget()

    def begin(self, starts: dict[Partition, int]) -> None:
        """Fetch partitions from these offsets."""
        for partition, offset in starts.items():
            target = TopicPartition(*partition)
            self._consumer.seek(target, offset)
            if partition.topic in self.paused:
                self._consumer.pause(target)
            else:
                self._consumer.resume(target)
            self.positions[partition] = offset

    def refuse(self, refusals: Iterable[Refusal]) -> None:
        """Leave partitions alone until an operator has decided."""
        for refusal in refusals:
            self.positions.pop(refusal.partition, None)
            self._consumer.pause(TopicPartition(*refusal.partition))
            self.refused[refusal.partition] = refusal.reason
            log.critical(
                "partition_refused", partition=str(refusal.partition), reason=refusal.reason
            )

    def leave(self, refusals: Iterable[Refusal]) -> None:
        """Refuse partitions until the next assignment, and read the positions of the others again.

        Those that were given away meanwhile are another's to refuse.
        """
        refusals = [refusal for refusal in refusals if refusal.partition in self.assigned]
        self._left |= {refusal.partition: refusal.reason for refusal in refusals}
        self.refuse(refusals)
        self._forget()

    def problems(self) -> list[str]:
        """What an operator must decide."""
        return [f"{partition} refused: {reason}" for partition, reason in self.refused.items()]

    def notices(self) -> list[str]:
        """What an operator has decided, or must know of: topics that are not consumed."""
        return [f"{topic} paused: {reason}" for topic, reason in self.paused.items()]

    def _forget(self) -> None:
        self.generation += 1
        self.positions = {}
        self.refused = dict(self._left)
        self.changed.set()
