"""Where in which trace something happened, as W3C Trace Context writes it. No OpenTelemetry here."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
_UNSAMPLED = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f][02468ace]")
_MOST_CHARACTERS = 512
"""W3C asks for at least so many of a tracestate; what is longer is left out."""


class TraceContext(NamedTuple):
    """A span that others may continue or link to: headers `traceparent` and `tracestate`."""

    traceparent: str
    tracestate: str = ""

    @property
    def is_unsampled(self) -> bool:
        """Whether it says, well formed, that nobody records this trace."""
        return _UNSAMPLED.fullmatch(self.traceparent) is not None

    @property
    def trace_id(self) -> str:
        """The second field of `version-trace-parent-flags`."""
        return self.traceparent.split("-")[1]

    def headers(self) -> list[tuple[str, bytes | None]]:
        """The record headers that carry it."""
        parent: tuple[str, bytes | None] = (TRACEPARENT, self.traceparent.encode())
        return [parent, (TRACESTATE, self.tracestate.encode())] if self.tracestate else [parent]


def context_in(
    headers: Iterable[tuple[str, bytes | None]], metadata: Mapping[str, str]
) -> TraceContext | None:
    """What a record says of its trace: its headers, or else its envelope's metadata.

    Only taken as it is: whether it is well formed is the tracer's to say.
    """
    carried = {
        name.lower(): value.decode("ascii", "replace")
        for name, value in headers
        if value is not None and name.lower() in (TRACEPARENT, TRACESTATE)
    }
    found = carried if TRACEPARENT in carried else metadata
    if not (parent := found.get(TRACEPARENT)) or len(parent) > _MOST_CHARACTERS:
        return None
    state = found.get(TRACESTATE, "")
    return TraceContext(parent, state if len(state) <= _MOST_CHARACTERS else "")


def is_carrier(headers: Iterable[tuple[str, bytes | None]]) -> bool:
    """Whether these headers carry a context."""
    return any(name == TRACEPARENT for name, _ in headers)


def without_context(
    headers: Iterable[tuple[str, bytes | None]],
) -> list[tuple[str, bytes | None]]:
    """The other headers."""
    return [header for header in headers if header[0] not in (TRACEPARENT, TRACESTATE)]
