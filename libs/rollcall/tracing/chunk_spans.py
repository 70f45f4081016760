"""A chunk's spans: one for the chunk, and one in its own trace for each record that has a trace."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

from rollcall.consumer.chunk import Chunk
from rollcall.consumer.records import InputRecord, Item, Received
from rollcall.tracing.context import context_in
from rollcall.tracing.transaction_spans import RecordSpan, Traced, TransactionSpans

if TYPE_CHECKING:
    from rollcall.tracing.tracing import Tracing


class Carried(NamedTuple):
    """A record with the context of the span that sent it."""

    record: InputRecord
    correlation_id: UUID | None
    context: Context


class ChunkSpans:
    """Spans of all attempts at one chunk. Nothing is exported unless a record is recorded."""

    def __init__(
        self, tracing: "Tracing", chunk: Chunk, carried: list[Carried], quiet: list[Traced]
    ) -> None:
        self._tracing = tracing
        self._carried = carried
        self._quiet = quiet
        self._began = time.time_ns()
        self._span = tracing.work.start_span(
            "process chunk",
            Context(),
            SpanKind.CONSUMER,
            {
                "messaging.system": "kafka",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.batch.message_count": len(chunk.items),
                "messaging.consumer.group.name": tracing.settings.consumer_group,
            },
            [Link(span_context(each.context)) for each in carried],
            self._began,
        )

    def attempt(self) -> TransactionSpans:
        """The spans of the chunk's next transaction: of each record, and of the transaction."""
        transaction = self._tracing.work.start_span(
            "transaction", trace.set_span_in_context(self._span, Context())
        )
        link = Link(transaction.get_span_context())
        records = [self._record_span(each, link) for each in self._carried]
        return TransactionSpans(
            self._tracing, records, self._quiet, transaction=transaction, chunk=self._span
        )

    def split(self, error: BaseException) -> None:
        """The chunk is bisected: its parts have spans of their own."""
        if any(span_context(each.context).trace_flags.sampled for each in self._carried):
            self._span.set_attribute("error.type", type(error).__name__)
            self._span.set_status(Status(StatusCode.ERROR, "bisected"))
            self._span.end()

    def _record_span(self, carried: Carried, link: Link) -> RecordSpan:
        record, correlation_id, _ = carried
        span = self._tracing.messages.start_span(
            f"process {record.partition.topic}",
            carried.context,
            SpanKind.CONSUMER,
            {
                "messaging.system": "kafka",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": record.partition.topic,
                "messaging.destination.partition.id": str(record.partition.number),
                "messaging.kafka.offset": record.offset,
                "messaging.consumer.group.name": self._tracing.settings.consumer_group,
                **_conversation(correlation_id),
            },
            [link],
            self._began,
        )
        record.trace = self._tracing.written(span)
        return RecordSpan(record, correlation_id, span)


def carried_by(items: Iterable[Item], tracing: "Tracing") -> tuple[list[Carried], list[Traced]]:
    """The records that belong to a trace, by their headers or their envelope's metadata.

    Those whose trace nobody records come apart, their contexts handed on as they are.
    """
    found: list[Carried] = []
    quiet: list[Traced] = []
    for item in items:
        envelope = item.envelope if isinstance(item, Received) else None
        carried = context_in(item.record.headers, envelope.metadata if envelope else {})
        correlation_id = envelope.correlation_id if envelope else None
        if carried and tracing.is_quiet(carried):
            item.record.trace = carried
            quiet.append((correlation_id, carried))
        elif carried and (context := tracing.parent(carried)) is not None:
            found.append(Carried(item.record, correlation_id, context))
    return found, quiet


def _conversation(correlation_id: UUID | None) -> dict[str, str]:
    return {"messaging.message.conversation_id": str(correlation_id)} if correlation_id else {}


def span_context(context: Context) -> SpanContext:
    """The span that a context stands for."""
    return trace.get_current_span(context).get_span_context()
