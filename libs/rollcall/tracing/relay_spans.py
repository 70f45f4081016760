"""The relay's spans: one for each Kafka transaction, and one in its own trace for each record sent."""

import time
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode

from rollcall.outbox.publication import Headers
from rollcall.tracing.context import context_in, is_carrier, without_context

if TYPE_CHECKING:
    from rollcall.tracing.tracing import Tracing


class RelaySpans:
    """What one Kafka transaction traces. Without a traced record in it, nothing."""

    def __init__(self, tracing: "Tracing", lane: int) -> None:
        self._tracing = tracing
        self._lane = lane
        self._began = time.time_ns()
        self._shared: Span | None = None
        self._sent: list[Span] = []

    def sent(self, topic: str, headers: Headers) -> Headers:
        """The headers to send a record with: its context continued by the span of its sending."""
        if not is_carrier(headers):
            return headers
        carried = context_in(headers, {})
        if carried is None or self._tracing.is_quiet(carried):
            return headers
        if (context := self._tracing.parent(carried)) is None:
            return headers
        shared = self._transaction()
        destination = self._tracing.settings.topic(topic)
        span = self._tracing.messages.start_span(
            f"send {destination}",
            context,
            SpanKind.PRODUCER,
            {
                "messaging.system": "kafka",
                "messaging.operation.name": "send",
                "messaging.operation.type": "send",
                "messaging.destination.name": destination,
                "rollcall.lane": self._lane,
            },
            [Link(shared.get_span_context())],
            self._began,
        )
        self._sent.append(span)
        return [*without_context(headers), *self._tracing.written(span).headers()]

    def committed(self) -> None:
        """Kafka has committed: end every span."""
        now = time.time_ns()
        recorded = [span for span in self._sent if span.is_recording()]
        if self._shared is not None and recorded:
            self._shared.set_attribute("messaging.batch.message_count", len(recorded))
            self._shared.end(now)
        for span in recorded:
            span.end(now)

    def failed(self, error: BaseException) -> None:
        """The outcome is unknown: what is not published will be sent again, with spans of its own."""
        if self._shared is not None and any(span.is_recording() for span in self._sent):
            self._shared.set_attribute("error.type", type(error).__name__)
            self._shared.set_status(Status(StatusCode.ERROR, "outcome unknown"))
            self._shared.end()

    def _transaction(self) -> Span:
        if self._shared is None:
            self._shared = self._tracing.work.start_span(
                f"send lane {self._lane}",
                Context(),
                SpanKind.PRODUCER,
                {
                    "messaging.system": "kafka",
                    "messaging.operation.name": "send",
                    "messaging.operation.type": "send",
                    "rollcall.lane": self._lane,
                },
                start_time=self._began,
            )
        return self._shared
