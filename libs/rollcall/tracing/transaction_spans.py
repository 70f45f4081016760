"""A transaction's spans. They are exported once it has committed; of one that failed, only itself."""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from rollcall.consumer.records import InputRecord, Rejected
from rollcall.outbox.event import Event
from rollcall.tracing.context import TraceContext

if TYPE_CHECKING:
    from rollcall.tracing.tracing import Tracing


Traced = tuple[UUID | None, TraceContext]
"""A record's correlation id, and its context."""


class RecordSpan(NamedTuple):
    """The span of a record in this transaction, within the record's own trace."""

    record: InputRecord
    correlation_id: UUID | None
    span: Span


class TransactionSpans:
    """What one attempt at a transaction traces.

    Args:
        tracing: makes the spans.
        records: the spans of the records that belong to a trace.
        quiet: the records whose trace is not recorded.
        transaction: the span of the transaction; without one, it is of a job.
        chunk: the span of the chunk; ends with the transaction.
    """

    def __init__(
        self,
        tracing: "Tracing",
        records: Sequence[RecordSpan],
        quiet: Sequence[Traced] = (),
        *,
        transaction: Span | None = None,
        chunk: Span | None = None,
    ) -> None:
        self._tracing = tracing
        self._records = records
        self._shared = [span for span in (transaction, chunk) if span is not None]
        self._created: list[Span] = []
        self._rejected: dict[int, str] = {}
        traced = [(each.correlation_id, each.record.trace) for each in records]
        self._by_correlation = _unambiguous([*traced, *quiet])

    def context_of(self, event: Event, topic: str) -> TraceContext | None:
        """The context to publish with an event.

        That of the record that caused it; for one with several causes, a span of its own that
        continues the last and links to the others. An event that names no cause has that of the
        records with its correlation id, if they are of one trace.
        """
        causes = event.causes
        if not causes:
            return self._by_correlation.get(event.correlation_id)
        if len(causes) == 1:
            return causes[0]
        parent = self._tracing.parent(causes[-1])
        if parent is None:
            return causes[-1]
        destination = self._tracing.settings.topic(topic)
        span = self._tracing.messages.start_span(
            f"create {destination}",
            parent,
            SpanKind.PRODUCER,
            {
                "messaging.system": "kafka",
                "messaging.operation.name": "create",
                "messaging.operation.type": "create",
                "messaging.destination.name": destination,
                "messaging.message.id": str(event.event_id),
                "messaging.message.conversation_id": str(event.correlation_id),
            },
            self._tracing.links(causes[:-1]),
        )
        self._created.append(span)
        return self._tracing.written(span)

    def rejected(self, rejected: Sequence[Rejected]) -> None:
        """These records take no effect: they become dead letters with the transaction."""
        self._rejected = {id(each.record): each.error_type for each in rejected}

    def committed(self) -> None:
        """End every span; chunk and transaction, too, if any record of theirs is recorded."""
        for record, _, span in self._records:
            if error_type := self._rejected.get(id(record)):
                span.set_attribute("error.type", error_type)
                span.set_status(Status(StatusCode.ERROR, "dead letter"))
        self._end([*(each.span for each in self._records), *self._created, *self._if_recorded()])

    def failed(self, error: BaseException) -> None:
        """Nothing took effect: the transaction's own span says why, those of the records are void."""
        for span in self._if_recorded()[:1]:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR, "rolled back"))
            span.end()

    def _if_recorded(self) -> list[Span]:
        return self._shared if any(each.span.is_recording() for each in self._records) else []

    def _end(self, spans: Sequence[Span]) -> None:
        now = time.time_ns()
        for span in spans:
            span.end(now)


def _unambiguous(
    traced: Iterable[tuple[UUID | None, TraceContext | None]],
) -> dict[UUID, TraceContext]:
    """A context for each correlation id whose records are all of one trace."""
    found: dict[UUID, TraceContext] = {}
    ambiguous = set()
    for correlation_id, context in traced:
        if correlation_id is None or context is None:
            continue
        if found.setdefault(correlation_id, context).trace_id != context.trace_id:
            ambiguous.add(correlation_id)
    return {each: context for each, context in found.items() if each not in ambiguous}
