"""What a handler works with: the open transaction of its chunk."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from prometheus_client import Counter

from rollcall.consumer.records import Received, Rejected, correlation_of
from rollcall.outbox.buffer import OutboxBuffer
from rollcall.outbox.event import Event

Job = Callable[["Transaction"], Awaitable[Iterable[Event] | None]]
"""Work in a transaction of its own; returns the events to publish with it, None for none."""

Admission = Callable[["Transaction"], Awaitable[bool]]
"""Whether a job may run in this transaction, asked before anything else."""


class Transaction:
    """An open database transaction in which a chunk, or a job after it, takes effect.

    Attributes:
        connection: the asyncpg connection. Do not commit, and take no second one from the pool.
        tracing: whether traces are followed; else records have none, and no time is spent on them.
    """

    def __init__(self, connection: Any, outbox: OutboxBuffer, *, tracing: bool = False) -> None:
        self.connection = connection
        self.tracing = tracing
        self.rejections: list[Rejected] = []
        self.follow_ups: list[Job] = []
        self.log_events: list[tuple[str, dict[str, object]]] = []
        self.counts: list[tuple[Counter, int]] = []
        self._outbox = outbox

    async def publish(self, events: Iterable[Event] | None) -> None:
        """Publish events with this transaction; for those too large to be returned all at once.

        Call it after the statements that lock what the events speak of: the order of publication is
        the order of these locks.

        Raises:
            ConfigurationError: these are no events, or none that a topic of the service carries.
        """
        await self._outbox.publish(events)

    def reject(self, received: Received[Any], error_type: str, message: str) -> None:
        """Set a record aside as a dead letter; the rest of the chunk goes on."""
        rejected = Rejected(received.record, error_type, message)
        rejected.correlation_id = received.envelope.correlation_id
        self.rejections.append(rejected)
        self.log_rejected(rejected)

    def log_rejected(self, rejected: Rejected) -> None:
        """Write down which record becomes a dead letter, and whose business it was if it tells."""
        correlation_id = correlation_of(rejected)
        fields = {"correlation_id": str(correlation_id)} if correlation_id else {}
        self.log(
            "record_rejected",
            **fields,
            record=f"{rejected.record.partition}@{rejected.record.offset}",
            error_type=rejected.error_type,
        )

    def log(self, event: str, **fields: object) -> None:
        """Write a log line once this transaction has committed, and only then."""
        self.log_events.append((event, fields))

    def count(self, counter: Counter, amount: int = 1) -> None:
        """Count something once this transaction has committed, and only then."""
        self.counts.append((counter, amount))

    def after_commit(self, job: Job) -> None:
        """Run `job` in a transaction of its own once this one has committed.

        It may be lost in a crash: use it only for work that a periodic job would do later anyway.
        """
        self.follow_ups.append(job)


def if_admitted(job: Job, admitted: Admission | None) -> Job:
    """The job, or nothing where it is not admitted."""
    if admitted is None:
        return job

    async def guarded(tx: Transaction) -> Iterable[Event] | None:
        return await job(tx) if await admitted(tx) else ()

    return guarded
