"""Who takes part, and how a contestant is named on the command line."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.errors import BenchmarkError
from benchmarks.replicas import Contestant
from rollcall_cluster.measuring.load import Workload

# A per-event service is given fewer events, so that a round does not last minutes; events/s are
# compared. Its rate does not depend on the number of events.
PER_EVENT_EVENTS = 5_000
_MOST_REPLICAS = 12

KINDS = {
    "rollcall": Contestant("rollcall", "essay_lifecycle_service", ("run",), speaks_http=True),
    "per_event": Contestant(
        "per_event", "benchmarks.peers.per_event", events=PER_EVENT_EVENTS, has_outbox=True
    ),
    "faststream": Contestant(
        "faststream",
        "benchmarks.peers.per_event_faststream",
        events=PER_EVENT_EVENTS,
        members=2,
        has_outbox=True,
    ),
    "confluent": Contestant(
        "confluent",
        "benchmarks.peers.per_event_confluent",
        events=PER_EVENT_EVENTS,
        has_outbox=True,
    ),
    "set_based": Contestant("set_based", "benchmarks.peers.set_based"),
    "streams": Contestant(
        "streams", "benchmarks.peers.streams", keeps_tables=False, warm_up_batches=800
    ),
    "streams_threads": Contestant(
        "streams_threads",
        "benchmarks.peers.streams",
        members=2,
        keeps_tables=False,
        warm_up_batches=800,
        environment={"BENCH_STREAM_THREADS": "2"},
    ),
}

DEFAULT = (
    "rollcall:1",
    "per_event:1",
    "faststream:1",
    "confluent:1",
    "set_based:1",
    "streams:1",
    "streams_threads:1",
    "rollcall:2",
    "rollcall:3",
    "per_event:3",
    "rollcall:5",
    "rollcall:1:unkeyed",
    "rollcall:1:skewed",
    "rollcall:1:duplicates",
    "rollcall:1:malformed",
)


def parse(name: str, per_event_events: int = PER_EVENT_EVENTS) -> Contestant:
    """`KIND:REPLICAS` or `KIND:REPLICAS:WORKLOAD`, such as `rollcall:3` or `rollcall:1:skewed`.

    Raises:
        BenchmarkError: there is no such contestant.
    """
    kind, replicas, workload = (*name.split(":"), "", "")[:3]
    if not replicas.isdecimal() or not 1 <= int(replicas) <= _MOST_REPLICAS:
        raise BenchmarkError(
            f"contestant {name!r}: write KIND:REPLICAS with 1 to {_MOST_REPLICAS} replicas"
        )
    if kind not in KINDS:
        raise BenchmarkError(f"contestant {name!r}: the kinds are {', '.join(KINDS)}")
    if workload and workload not in set(Workload):
        raise BenchmarkError(f"contestant {name!r}: the workloads are {', '.join(Workload)}")
    known = KINDS[kind]
    return replace(
        known,
        replicas=int(replicas),
        events=known.events and per_event_events,
        workload=Workload(workload or Workload.KEYED),
    )


def parse_all(names: Sequence[str], per_event_events: int = PER_EVENT_EVENTS) -> list[Contestant]:
    """Each of several; see `parse`."""
    return [parse(name, per_event_events) for name in names]
