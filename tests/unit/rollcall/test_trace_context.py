"""What a record says of its trace, and what becomes of it in a segment."""

import subprocess
import sys

import pytest

from essay_lifecycle_service.domain.traces import MOST_CAUSES, one_of_each_trace
from rollcall import ServiceSettings, TraceContext
from rollcall.errors import ConfigurationError
from rollcall.outbox.event import OutgoingRecord
from rollcall.outbox.raw_record import RawRecord
from rollcall.outbox.segment import SegmentCodec
from rollcall.tracing import opening
from rollcall.tracing.context import context_in

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def context(trace: int, span: int) -> TraceContext:
    """A span of a trace."""
    return TraceContext(f"00-{trace:032x}-{span:016x}-01")


@pytest.mark.parametrize(
    ("headers", "metadata", "found"),
    [
        ([], {}, None),
        ([("traceparent", PARENT.encode())], {}, TraceContext(PARENT)),
        ([("Traceparent", PARENT.encode())], {}, TraceContext(PARENT)),
        (
            [("tracestate", b"a=1"), ("traceparent", PARENT.encode())],
            {},
            TraceContext(PARENT, "a=1"),
        ),
        ([], {"traceparent": PARENT}, TraceContext(PARENT)),
        ([("traceparent", OTHER.encode())], {"traceparent": PARENT}, TraceContext(OTHER)),
        ([("tracestate", b"a=1")], {"traceparent": PARENT}, TraceContext(PARENT)),
        ([("traceparent", None)], {}, None),
        ([("traceparent", b"")], {}, None),
        ([("traceparent", b"\xff" * 4096)], {}, None),
        (
            [("traceparent", PARENT.encode()), ("tracestate", b"a" * 513)],
            {},
            TraceContext(PARENT),
        ),
    ],
)
def test_the_header_counts_before_the_envelope(
    headers: list[tuple[str, bytes | None]],
    metadata: dict[str, str],
    found: TraceContext | None,
) -> None:
    assert context_in(headers, metadata) == found


def test_a_context_is_written_as_it_is_read() -> None:
    for given in (TraceContext(PARENT), TraceContext(PARENT, "a=1,b=2")):
        assert context_in(given.headers(), {}) == given


def test_a_completion_names_the_last_context_of_each_trace() -> None:
    seen = [context(1, 1), context(2, 2), context(1, 3)]
    assert one_of_each_trace(seen) == (context(2, 2), context(1, 3))


def test_a_completion_of_very_many_traces_names_the_last_ones() -> None:
    seen = [context(number, 1) for number in range(1, 3 * MOST_CAUSES)]
    assert one_of_each_trace(seen) == tuple(seen[-MOST_CAUSES:])


def test_a_segment_keeps_headers_beside_records_that_have_none() -> None:
    codec = SegmentCodec()
    plain = OutgoingRecord("out", b"a", b"1")
    traced = RawRecord("out", b"b", b"2", [("traceparent", PARENT.encode())])
    kept = codec.decode(codec.encode([plain, traced]))
    assert kept == [RawRecord("out", b"a", b"1", []), traced]


def test_a_segment_without_headers_is_what_it_was() -> None:
    codec = SegmentCodec()
    plain = [OutgoingRecord("out", b"a", b"1")]
    assert codec.encode(plain)[:1] == b"\x01"
    assert codec.decode(codec.encode(plain)) == plain


def test_tracing_that_is_not_installed_is_told_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opening.require_tracing(ServiceSettings(tracing=True))
    monkeypatch.setattr(opening, "_EXPORTER", "opentelemetry_that_is_not_there.exporter")
    opening.require_tracing(ServiceSettings(tracing=False))
    with pytest.raises(ConfigurationError, match=r"rollcall\[otel\]"):
        opening.require_tracing(ServiceSettings(tracing=True))


def test_a_service_that_does_not_trace_imports_nothing_of_it() -> None:
    """FastAPI imports the interface of OpenTelemetry where it is installed; that does nothing by itself."""
    program = (
        "import sys, essay_lifecycle_service.__main__, rollcall.instance;"
        "sys.exit(any(name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter',"
        " 'rollcall.tracing.tracing')) for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
