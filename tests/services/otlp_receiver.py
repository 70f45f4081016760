"""A collector of the test's own: takes spans by OTLP over HTTP and keeps them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Seen:
    """A span as it arrived; ids in hexadecimal, as headers write them."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    links: frozenset[tuple[str, str]]
    attributes: dict[str, str | int]
    is_error: bool
    began_ns: int
    ended_ns: int
    service: str
    instance: str

    @property
    def traceparent(self) -> str:
        """The header that refers to it."""
        return f"00-{self.trace_id}-{self.span_id}-01"


class OtlpReceiver:
    """Spans that came in so far."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._spans: list[Seen] = []
        self._turn = threading.Lock()

    @property
    def spans(self) -> list[Seen]:
        """All of them, in the order of arrival."""
        with self._turn:
            return list(self._spans)

    def named(self, start: str) -> list[Seen]:
        """Those whose name begins like this."""
        return [span for span in self.spans if span.name.startswith(start)]

    def of_trace(self, trace_id: str) -> list[Seen]:
        """Those of one trace, oldest first."""
        found = [span for span in self.spans if span.trace_id == trace_id]
        return sorted(found, key=lambda span: span.began_ns)

    def parent_of(self, child: Seen) -> Seen:
        """The span of the same trace that another one continues."""
        (found,) = [s for s in self.of_trace(child.trace_id) if s.span_id == child.parent_id]
        return found

    def by_traceparent(self, header: bytes) -> Seen | None:
        """The span that a record's header refers to."""
        return next((s for s in self.spans if s.traceparent.encode() == header), None)

    def take(self, body: bytes) -> None:
        """Keep what a request says."""
        request = ExportTraceServiceRequest.FromString(body)
        with self._turn:
            for resource in request.resource_spans:
                told = _attributes(resource.resource)
                for scope in resource.scope_spans:
                    self._spans += [_seen(span, told) for span in scope.spans]


@contextmanager
def receiving() -> Iterator[OtlpReceiver]:
    """A receiver that listens on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            receiver.take(self.rfile.read(int(self.headers["Content-Length"])))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = OtlpReceiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _seen(span: Any, resource: dict[str, str | int]) -> Seen:
    return Seen(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        frozenset((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        _attributes(span),
        span.status.code == span.status.STATUS_CODE_ERROR,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        str(resource["service.name"]),
        str(resource["service.instance.id"]),
    )


def _attributes(holder: Any) -> dict[str, str | int]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in holder.attributes
    }
