"""OpenTelemetry: tracers, the exporter, and how contexts are read and written."""

import threading
from collections.abc import Sequence

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import Link, Span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from rollcall.consumer.chunk import Chunk
from rollcall.settings import ServiceSettings
from rollcall.tracing.chunk_spans import ChunkSpans, carried_by, span_context
from rollcall.tracing.context import TRACEPARENT, TRACESTATE, TraceContext
from rollcall.tracing.relay_spans import RelaySpans
from rollcall.tracing.transaction_spans import TransactionSpans

log = structlog.get_logger()

_PROPAGATOR = TraceContextTextMapPropagator()
_CLOSE_SECONDS = 2.0


class Tracing:
    """Makes the spans of one instance.

    Attributes:
        messages: the tracer of what happens to one record or event, within its own trace. The
            standard variable OTEL_TRACES_SAMPLER decides which of them are recorded.
        work: the tracer of what many of them share: chunks, transactions. Such a span is asked for
            only where something that is recorded points to it, so none of them is left out.
    """

    def __init__(self, settings: ServiceSettings, processor: SpanProcessor) -> None:
        self.settings = settings
        self._processor = processor
        resource = Resource.create(
            {SERVICE_NAME: settings.service_name, SERVICE_INSTANCE_ID: settings.instance_id}
        )
        messages = TracerProvider(resource=resource, shutdown_on_exit=False)
        work = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
        for provider in (messages, work):
            provider.add_span_processor(processor)
        self.messages = messages.get_tracer("rollcall")
        self._upstream_decides = isinstance(messages.sampler, ParentBased)
        self.work = work.get_tracer("rollcall")

    @classmethod
    def exporting(cls, settings: ServiceSettings) -> "Tracing":
        """Send spans by OTLP over HTTP, from a thread of its own with a bounded queue.

        Where to, how long and how many: the standard variables OTEL_EXPORTER_OTLP_* and OTEL_BSP_*.
        """
        log.info("tracing_on")
        return cls(settings, BatchSpanProcessor(OTLPSpanExporter()))

    def chunk(self, chunk: Chunk) -> ChunkSpans | None:
        """The spans of a chunk; None if no record of it belongs to a trace."""
        carried, quiet = carried_by(chunk.items, self)
        return ChunkSpans(self, chunk, carried, quiet) if carried or quiet else None

    def job(self) -> TransactionSpans:
        """The spans of a transaction without records: of a follow-up or a periodic job."""
        return TransactionSpans(self, [])

    def relay(self, lane: int) -> RelaySpans:
        """The spans of one Kafka transaction."""
        return RelaySpans(self, lane)

    def is_quiet(self, carried: TraceContext) -> bool:
        """Whether a context is handed on as it is, because its trace is not recorded."""
        return self._upstream_decides and carried.is_unsampled

    def parent(self, carried: TraceContext) -> Context | None:
        """The context to continue; None if it is not well formed."""
        context = _PROPAGATOR.extract(
            {TRACEPARENT: carried.traceparent, TRACESTATE: carried.tracestate}, Context()
        )
        return context if span_context(context).is_valid else None

    def written(self, span: Span) -> TraceContext:
        """A span as others refer to it."""
        at = span.get_span_context()
        parent = f"00-{at.trace_id:032x}-{at.span_id:016x}-{at.trace_flags:02x}"
        return TraceContext(parent, at.trace_state.to_header() if at.trace_state else "")

    def links(self, carried: Sequence[TraceContext]) -> list[Link]:
        """Links to spans that others refer to."""
        contexts = [context for each in carried if (context := self.parent(each)) is not None]
        return [Link(span_context(context)) for context in contexts]

    def close(self) -> None:
        """Send what is left, for two seconds at most: a collector that is away holds up no stop."""
        last = threading.Thread(target=self._processor.shutdown, daemon=True, name="tracing-close")
        last.start()
        last.join(_CLOSE_SECONDS)
        if last.is_alive():
            log.warning("spans_not_sent", waited_seconds=_CLOSE_SECONDS)
