"""Runs a service's orders in transactions like those of chunks: outbox, audit, and work that follows."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from rollcall.backoff import Backoff
from rollcall.consumer.transaction import Job, Transaction
from rollcall.database.failures import Failure, classify
from rollcall.errors import OperatorBusyError, OperatorError
from rollcall.operations.audit import AuditStore, Order
from rollcall.operations.transactions import order_transaction
from rollcall.operations.turns import Turns
from rollcall.outbox.buffer import SEGMENT_MAX_BYTES, OutboxBuffer
from rollcall.outbox.encoding import encode_event
from rollcall.outbox.event import Event, lane_of
from rollcall.outbox.raw_record import RawRecord
from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import OutboxStore
from rollcall.topology import Topology

REPLAY_HEADER = "rollcall-replay"
"""Marks an event that is published once more; its value is the audit entry of the order."""
CORRECTION_HEADER = "rollcall-correction"
"""Marks an event that says what an operator changed; its value is the audit entry of the order."""

T = TypeVar("T")
Acquire = Callable[[], AbstractAsyncContextManager[Any]]
WriteLog = Callable[[str, dict[str, object]], None]
GiveUp = Callable[[Job, Exception], None]

_TRY_SECONDS = 10.0
_LANES = "SELECT count(*) FROM lane"


class TryAgain(Exception):  # noqa: N818 - no error: somebody else is about to decide
    """The work cannot be done at this moment; the message says what stands in its way."""


class OrderWork:
    """An order under way.

    Attributes:
        tx: the open transaction, as a handler gets it.
    """

    def __init__(self, runner: "OrderRunner", order: Order, tx: Transaction, lanes: int) -> None:
        self.tx = tx
        self._runner = runner
        self._order = order
        self._lanes = lanes
        self._marked: dict[int, list[RawRecord]] = defaultdict(list)
        self._bytes: dict[int, int] = defaultdict(int)

    @property
    def connection(self) -> Any:
        """The connection of the transaction."""
        return self.tx.connection

    async def write_down(
        self, action: str, subject: str, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> int:
        """Write an entry of the audit; returns its id."""
        return await self._runner.audit.write(
            self.connection, self._order, action, subject, before, after
        )

    async def publish_marked(self, header: str, entry: int, events: Iterable[Event]) -> int:
        """Publish events under a header that names an entry of the audit; returns how many."""
        count = 0
        now = datetime.now(UTC)
        for event in events:
            topic = self._runner.topology.topic_of(type(event.data)).name
            encoded = encode_event(event, topic, self._runner.service_name, now)
            record = RawRecord(topic, encoded.key, encoded.value, [(header, str(entry).encode())])
            lane = lane_of(encoded.key, self._lanes)
            self._marked[lane].append(record)
            self._bytes[lane] += record.size_bytes
            count += 1
            if self._bytes[lane] >= SEGMENT_MAX_BYTES:
                await self._write([lane])
        return count

    async def flush(self) -> None:
        """Write what is marked and still in memory."""
        await self._write(sorted(self._marked))

    async def _write(self, lanes: Iterable[int]) -> None:
        segments = []
        for lane in lanes:
            records = self._marked.pop(lane)
            del self._bytes[lane]
            segments.append((lane, len(records), self._runner.codec.encode_raw(records)))
        if segments:
            await self._runner.outbox.append(self.connection, segments)


class OrderRunner:
    """Runs the orders of one service, one after the other.

    Args:
        acquire: borrows a connection that is in no transaction.
        write_log: what becomes of the log lines of a transaction that has committed.
        give_up: is told of work after the commit that failed; its periodic twin does it later.
    """

    def __init__(
        self,
        acquire: Acquire,
        topology: Topology,
        consumer_group: str,
        service_name: str,
        write_log: WriteLog,
        give_up: GiveUp,
    ) -> None:
        self.topology = topology
        self.consumer_group = consumer_group
        self.service_name = service_name
        self.audit = AuditStore(consumer_group)
        self.outbox = OutboxStore()
        self.codec = SegmentCodec()
        self._acquire = acquire
        self._write_log = write_log
        self._give_up = give_up
        self._turns = Turns()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection for reading."""
        async with self._acquire() as connection:
            yield connection

    async def run(self, order: Order, work: Callable[[OrderWork], Awaitable[T]]) -> T:
        """Run `work` in a transaction, and what it asks for after the commit in further ones.

        A dry run does the same and is rolled back. Work that loses a race, or raises `TryAgain`, is
        run again for at most 10 s. Once it has committed, nothing that follows makes it fail.

        Raises:
            OperatorBusyError: it could not be done in that time, or other orders take too long.
            OutcomeUnknownError: its commit was not answered.
        """
        async with self._turns.next(), self._acquire() as connection:
            try:
                told, follow_ups = await self._attempts(connection, order, work)
            except Exception as error:
                if not _may_pass(error):
                    raise
                raise OperatorBusyError(
                    f"not possible within {_TRY_SECONDS:g} s, nothing was changed: {error}"
                ) from error
            jobs = deque(follow_ups)
            while jobs:
                jobs.extend(await self._follow(connection, order, jobs.popleft()))
        return told

    async def _follow(self, connection: Any, order: Order, job: Job) -> list[Job]:
        """Run a job after the commit; returns the jobs that it asks for."""

        async def work(under_way: OrderWork) -> None:
            await under_way.tx.publish(await job(under_way.tx))

        try:
            _, more = await self._attempts(connection, order, work)
        except Exception as error:
            self._give_up(job, error)
            return []
        return more

    async def _attempts(
        self, connection: Any, order: Order, work: Callable[[OrderWork], Awaitable[T]]
    ) -> tuple[T, list[Job]]:
        backoff = Backoff(cap_seconds=0.5)
        deadline = asyncio.get_running_loop().time() + _TRY_SECONDS
        while True:
            try:
                return await self._attempt(connection, order, work)
            except Exception as error:
                if not _may_pass(error) or asyncio.get_running_loop().time() > deadline:
                    raise
                await backoff.wait()

    async def _attempt(
        self, connection: Any, order: Order, work: Callable[[OrderWork], Awaitable[T]]
    ) -> tuple[T, list[Job]]:
        async with order_transaction(connection, order):
            lanes = await connection.fetchval(_LANES)
            if not lanes:
                raise OperatorError("the deployment has no lanes yet: start a replica once")
            buffer = OutboxBuffer(
                connection, self.outbox, self.codec, self.topology, lanes, self.service_name
            )
            tx = Transaction(connection, buffer)
            under_way = OrderWork(self, order, tx, lanes)
            told = await work(under_way)
            await buffer.flush()
            await under_way.flush()
        if order.dry_run:
            return told, []
        for event, fields in tx.log_events:
            self._write_log(event, fields)
        for counter, amount in tx.counts:
            counter.inc(amount)
        return told, tx.follow_ups


def _may_pass(error: Exception) -> bool:
    """Whether the same work may succeed in a moment."""
    return isinstance(error, TryAgain) or classify(error) in (Failure.RACE, Failure.CONTENTION)
