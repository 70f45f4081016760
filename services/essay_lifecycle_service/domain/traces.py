"""Which traces a completion names as its causes. Pure."""

from collections.abc import Iterable

from rollcall import TraceContext

MOST_CAUSES = 100
"""Below the 128 links that OpenTelemetry keeps of a span."""


def one_of_each_trace(contexts: Iterable[TraceContext]) -> tuple[TraceContext, ...]:
    """The last context of each trace, in their order; of very many, the last hundred."""
    last: dict[str, TraceContext] = {}
    for context in contexts:
        last.pop(context.trace_id, None)
        last[context.trace_id] = context
    return tuple(last.values())[-MOST_CAUSES:]
