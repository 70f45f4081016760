"""Who takes part, and how a contestant is named on the command line."""

from benchmarks.errors import BenchmarkError
from benchmarks.replicas import Contestant

DEFAULT = ("rollcall:1", "per_event:1", "rollcall:3", "per_event:3")
# A per-event service is given fewer events, so that a round does not last minutes; events/s are
# compared. Its rate does not depend on the number of events.
PER_EVENT_EVENTS = 5_000


def parse(name: str, per_event_events: int = PER_EVENT_EVENTS) -> Contestant:
    """`KIND:REPLICAS`, such as `rollcall:3`.

    Raises:
        BenchmarkError: there is no such contestant.
    """
    kind, _, replicas = name.partition(":")
    if not replicas.isdecimal() or not 1 <= int(replicas) <= 12:
        raise BenchmarkError(f"contestant {name!r}: write KIND:REPLICAS with 1 to 12 replicas")
    match kind:
        case "rollcall":
            return Contestant(
                kind, "essay_lifecycle_service", ("run",), int(replicas), None, speaks_http=True
            )
        case "per_event":
            return Contestant(
                kind,
                "benchmarks.peers.per_event",
                (),
                int(replicas),
                per_event_events,
                speaks_http=False,
            )
    raise BenchmarkError(f"contestant {name!r}: the kinds are rollcall and per_event")
