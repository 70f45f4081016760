"""Spans of chunks, transactions and publications, without servers: what is recorded, and what is not."""

from uuid import UUID, uuid4

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from rollcall import Event, ServiceSettings, TraceContext
from rollcall.consumer.chunk import Chunk, Span
from rollcall.consumer.decoding import Decoder
from rollcall.consumer.records import InputRecord, Partition
from rollcall.tracing.outcome import outcome_of
from rollcall.tracing.tracing import Tracing
from rollcall_events import EssayContentProvisionedV1
from tests.db.events import content, message

IN = Partition("in", 0)
BATCH = UUID(int=7)


def sent_in(trace: int, *, sampled: bool = True) -> TraceContext:
    """What the sender of a record says."""
    return TraceContext(f"00-{trace:032x}-{trace:016x}-{'01' if sampled else '00'}")


def chunk(*contexts: TraceContext | None, correlation_id: UUID | None = None) -> Chunk:
    """A chunk of a content for each context."""
    decoder = Decoder([EssayContentProvisionedV1], 1_000_000)
    items = []
    for offset, context in enumerate(contexts):
        value = message(content(BATCH, f"text-{offset}"), correlation_id or uuid4())
        headers = context.headers() if context else []
        items.append(decoder.decode(InputRecord(IN, offset, None, value, headers, -1)))
    return Chunk(items, {IN: Span(0, len(items))}, 1)


class Recorded:
    """A tracing whose spans are kept in memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        settings = ServiceSettings(topic_prefix="p.")
        self.tracing = Tracing(settings, SimpleSpanProcessor(self._exporter))

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        """By name; equal names would hide each other."""
        spans = self._exporter.get_finished_spans()
        found = {span.name: span for span in spans}
        assert len(found) == len(spans)
        return found


@pytest.fixture
def recorded() -> Recorded:
    """With the sampler that the environment names."""
    return Recorded()


def event(*causes: TraceContext, correlation_id: UUID | None = None) -> Event:
    """An event with causes."""
    return Event(content(BATCH, "a"), uuid4(), correlation_id or uuid4(), "k", causes)


def test_a_chunk_without_a_trace_has_no_spans(recorded: Recorded) -> None:
    broken = TraceContext("00-not-a-context-01")
    assert recorded.tracing.chunk(chunk(None, broken)) is None
    assert recorded.spans == {}


def test_what_is_rolled_back_is_told_of_the_transaction_alone(recorded: Recorded) -> None:
    spans = recorded.tracing.chunk(chunk(sent_in(1)))
    assert spans is not None
    with pytest.raises(OSError, match="gone"), outcome_of(spans.attempt()):
        raise OSError("gone")
    assert list(recorded.spans) == ["transaction"]
    assert not recorded.spans["transaction"].status.is_ok
    with outcome_of(spans.attempt()):
        pass
    names = {span.name for span in recorded._exporter.get_finished_spans()}
    assert names == {"transaction", "process chunk", "process in"}


def test_a_chunk_that_is_split_says_so(recorded: Recorded) -> None:
    spans = recorded.tracing.chunk(chunk(sent_in(1), None))
    assert spans is not None
    spans.split(ValueError("poison"))
    assert recorded.spans["process chunk"].attributes["error.type"] == "ValueError"


def test_nothing_is_recorded_of_traces_that_are_not_sampled(recorded: Recorded) -> None:
    quiet = chunk(sent_in(1, sampled=False))
    spans = recorded.tracing.chunk(quiet)
    assert spans is not None
    with outcome_of(spans.attempt()):
        pass
    spans.split(ValueError("poison"))
    trace = quiet.items[0].record.trace
    assert trace is not None
    assert trace.traceparent.startswith(f"00-{1:032x}-")
    assert trace.traceparent.endswith("-00")
    relay = recorded.tracing.relay(3)
    with outcome_of(relay):
        relay.sent("out", trace.headers())
    assert recorded.spans == {}


def test_the_standard_sampler_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    recorded = Recorded()
    spans = recorded.tracing.chunk(chunk(sent_in(1)))
    assert spans is not None
    with outcome_of(spans.attempt()):
        pass
    assert recorded.spans == {}


def test_a_disabled_sdk_hands_contexts_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    recorded = Recorded()
    given = chunk(sent_in(1), sent_in(2))
    spans = recorded.tracing.chunk(given)
    assert spans is not None
    with outcome_of(attempt := spans.attempt()):
        traces = [item.record.trace for item in given.items]
        assert traces == [sent_in(1), sent_in(2)]
        assert attempt.context_of(event(sent_in(1), sent_in(2)), "out") == sent_in(2)
    relay = recorded.tracing.relay(3)
    with outcome_of(relay):
        assert relay.sent("out", sent_in(1).headers()) == sent_in(1).headers()
    assert recorded.spans == {}


def test_an_event_that_names_no_cause_belongs_to_the_records_of_its_correlation_id(
    recorded: Recorded,
) -> None:
    mine = uuid4()
    given = chunk(sent_in(1), sent_in(1), correlation_id=mine)
    spans = recorded.tracing.chunk(given)
    assert spans is not None
    attempt = spans.attempt()
    assert attempt.context_of(event(correlation_id=mine), "out") == given.items[0].record.trace
    assert attempt.context_of(event(), "out") is None

    two_traces = recorded.tracing.chunk(chunk(sent_in(1), sent_in(2), correlation_id=mine))
    assert two_traces is not None
    assert two_traces.attempt().context_of(event(correlation_id=mine), "out") is None


def test_an_event_of_several_causes_continues_the_last_and_links_to_the_others(
    recorded: Recorded,
) -> None:
    job = recorded.tracing.job()
    with outcome_of(job):
        written = job.context_of(event(sent_in(1), sent_in(2), sent_in(3)), "out")
    (span,) = recorded.spans.values()
    assert span.name == "create p.out"
    assert span.parent is not None
    assert span.parent.span_id == span.context.trace_id == 3
    assert [link.context.trace_id for link in span.links] == [1, 2]
    assert written == TraceContext(f"00-{3:032x}-{span.context.span_id:016x}-01")


def test_a_record_is_sent_with_the_context_of_its_sending(recorded: Recorded) -> None:
    relay = recorded.tracing.relay(3)
    with outcome_of(relay):
        plain = relay.sent("out", [("lane-seq", b"3:1:0")])
        headers = relay.sent("out", [*sent_in(1).headers(), ("lane-seq", b"3:1:1")])
    assert plain == [("lane-seq", b"3:1:0")]
    sending, shared = recorded.spans["send p.out"], recorded.spans["send lane 3"]
    assert dict(headers)["lane-seq"] == b"3:1:1"
    assert len(headers) == 2
    assert dict(headers)["traceparent"] == (
        f"00-{1:032x}-{sending.context.span_id:016x}-01".encode()
    )
    assert [link.context.span_id for link in sending.links] == [shared.context.span_id]


def test_a_publication_of_unknown_outcome_records_no_sending(recorded: Recorded) -> None:
    relay = recorded.tracing.relay(3)
    relay.sent("out", sent_in(1).headers())
    with pytest.raises(TimeoutError), outcome_of(relay):
        raise TimeoutError
    assert list(recorded.spans) == ["send lane 3"]


def test_spans_that_cannot_be_ended_do_no_harm() -> None:
    class Broken:
        def committed(self) -> None:
            raise RuntimeError("no")

        def failed(self, error: BaseException) -> None:
            raise RuntimeError("no")

    with outcome_of(Broken()):
        pass
    with pytest.raises(OSError, match="gone"), outcome_of(Broken()):
        raise OSError("gone")
