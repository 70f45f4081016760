"""Kafka's commit semantics in memory: logs, transactions, fencing by epochs, read_committed.

`Broker.producer` and `Broker.consumer` make what aiokafka's classes are to the code under test. Every
request counts; the one that a test chooses is lost, or takes effect with its answer lost. A slow
broker takes only so many records of a transaction before its time is up.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import ProducerFenced, RequestTimedOutError


@dataclass
class Written:
    """One record of a log with the state of its transaction: 'open', 'committed' or 'aborted'."""

    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]
    transaction: "Txn"


@dataclass
class Txn:
    """A transaction, open until it is ended."""

    state: str = "open"
    records: int = 0
    partitions: set[TopicPartition] = field(default_factory=set)


@dataclass
class Broker:
    """All logs and transactional ids."""

    partitions: int = 3
    logs: dict[TopicPartition, list[Written]] = field(default_factory=lambda: defaultdict(list))
    epochs: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    open_transactions: dict[str, Txn] = field(default_factory=dict)
    requests: int = 0
    lose_request: int | None = None
    lose_answer: int | None = None
    lost_as: Callable[[], Exception] = RequestTimedOutError
    most_records: int | None = None
    leave_out_markers: bool = False
    """Of the next transaction that is aborted because its owner is fenced (KAFKA-20734)."""
    unmarked: dict[tuple[str, TopicPartition], list[Txn]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def producer(self, **config: Any) -> "Producer":
        """What AIOKafkaProducer(**config) would be."""
        return Producer(self, config["transactional_id"])

    def consumer(self, **config: Any) -> "Consumer":
        """What AIOKafkaConsumer(**config) would be; reads committed records."""
        assert config["isolation_level"] == "read_committed"
        return Consumer(self)

    def request(self, effect: Callable[[], Any]) -> Any:
        """Let `effect` happen, unless this is the request that is lost."""
        self.requests += 1
        if self.requests == self.lose_request:
            raise self.lost_as()
        result = effect()
        if self.requests == self.lose_answer:
            raise self.lost_as()
        return result

    def end_transaction(self, transactional_id: str, state: str) -> None:
        """Commit or abort what is open under an id."""
        if transaction := self.open_transactions.pop(transactional_id, None):
            transaction.state = state
            for target in transaction.partitions:
                for hanging in self.unmarked.pop((transactional_id, target), []):
                    hanging.state = state

    def fence(self, transactional_id: str) -> None:
        """Abort what is open under an id; or let it hang, each partition's part for itself."""
        if not self.leave_out_markers or transactional_id not in self.open_transactions:
            self.end_transaction(transactional_id, "aborted")
            return
        self.leave_out_markers = False
        left = self.open_transactions.pop(transactional_id)
        for target in left.partitions:
            part = Txn()
            self.unmarked[transactional_id, target].append(part)
            for written in self.logs[target]:
                if written.transaction is left:
                    written.transaction = part

    def stable_end(self, partition: TopicPartition) -> int:
        """The offset up to which read_committed may read."""
        log = self.logs[partition]
        states = [written.transaction.state for written in log]
        return states.index("open") if "open" in states else len(log)

    def committed(self, topic: str) -> list[Written]:
        """Committed records of a topic, partition by partition."""
        return [
            written
            for target in sorted(self.logs)
            if target.topic == topic
            for written in self.logs[target]
            if written.transaction.state == "committed"
        ]


class Producer:
    """One producer of a transactional id, with the epoch that it was given."""

    def __init__(self, broker: Broker, transactional_id: str) -> None:
        self._broker = broker
        self._id = transactional_id
        self._epoch = 0

    async def start(self) -> None:
        """Initialise: end what earlier owners left open, and fence them."""
        self._broker.request(self._initialise)

    def _initialise(self) -> None:
        self._broker.fence(self._id)
        self._broker.epochs[self._id] += 1
        self._epoch = self._broker.epochs[self._id]

    async def partitions_for(self, topic: str) -> set[int]:
        """Partitions of a topic."""
        return set(range(self._broker.partitions))

    async def begin_transaction(self) -> None:
        """Local, as in Kafka: the broker hears of it with the first record."""

    def create_batch(self) -> "Batch":
        """An empty batch of records."""
        return Batch()

    async def send_batch(self, batch: "Batch", topic: str, *, partition: int) -> Any:
        """Append a batch to the open transaction."""
        self._append(TopicPartition(topic, partition), batch.records)
        return _delivered()

    async def send(self, topic: str, value: bytes, *, key: bytes, partition: int) -> Any:
        """Append a record to the open transaction."""
        self._append(TopicPartition(topic, partition), [(key, value, [])])
        return _delivered()

    def _append(self, target: TopicPartition, records: list[Any]) -> None:
        def effect() -> None:
            self._check_epoch()
            transaction = self._broker.open_transactions.setdefault(self._id, Txn())
            self._broker.logs[target] += [Written(*record, transaction) for record in records]
            transaction.records += len(records)
            transaction.partitions.add(target)
            if self._broker.most_records and transaction.records > self._broker.most_records:
                raise self._broker.lost_as()

        self._broker.request(effect)

    async def commit_transaction(self) -> None:
        """Commit, if no newer owner has been initialised."""

        def effect() -> None:
            self._check_epoch()
            self._broker.end_transaction(self._id, "committed")

        self._broker.request(effect)

    async def abort_in(self, partitions: Iterable[TopicPartition]) -> None:
        """Abort a transaction that has these partitions and no record."""

        def effect() -> None:
            self._check_epoch()
            transaction = self._broker.open_transactions.setdefault(self._id, Txn())
            transaction.partitions |= set(partitions)
            self._broker.end_transaction(self._id, "aborted")

        self._broker.request(effect)

    def _check_epoch(self) -> None:
        if self._epoch != self._broker.epochs[self._id]:
            raise ProducerFenced

    async def stop(self) -> None:
        """Nothing reaches the broker: what is open stays open."""


class Batch:
    """Records on their way."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes, list[tuple[str, bytes]]]] = []

    def append(
        self, *, timestamp: int, key: bytes, value: bytes, headers: list[tuple[str, bytes]]
    ) -> object:
        """Add a record; there is always room."""
        self.records.append((key, value, headers))
        return self


class Consumer:
    """Reads what is committed; belongs to no group."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._positions: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Disconnect."""

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Read these partitions."""
        self._positions = dict.fromkeys(partitions, 0)

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[Any, int]:
        """Nothing is ever removed."""
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[Any, int]:
        """Ends of what is stable."""
        return {partition: self._broker.stable_end(partition) for partition in partitions}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read from here."""
        self._positions[partition] = offset

    async def position(self, partition: TopicPartition) -> int:
        """The next offset to read."""
        return self._positions[partition]

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int) -> dict[Any, Any]:
        """Everything committed from the positions on."""
        found = {partition: self._read(partition) for partition in partitions}
        return {partition: records for partition, records in found.items() if records}

    def _read(self, partition: TopicPartition) -> list[Written]:
        end = self._broker.stable_end(partition)
        found = self._broker.logs[partition][self._positions[partition] : end]
        self._positions[partition] = end
        return [written for written in found if written.transaction.state == "committed"]


def _delivered() -> "asyncio.Future[None]":
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future
