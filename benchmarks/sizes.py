"""How large each measurement is: in full, and for a look at whether everything runs."""

from dataclasses import dataclass, replace

from benchmarks.ceilings.benchmark import CHUNKS
from benchmarks.contestants import DEFAULT, PER_EVENT_EVENTS
from rollcall_cluster.measuring.load import Load


@dataclass(frozen=True, slots=True)
class Sizes:
    """Knobs of `rollcall bench all`; times in seconds."""

    rounds: int
    contestants: tuple[str, ...]
    load: Load
    per_event_events: int
    chunks: tuple[int, ...]
    latency_seconds: float
    scaling_seconds: float
    scaling_rounds: int
    memory_slots: int
    filled_events: int
    held_seconds: float
    backlog_events: int
    recovery_rounds: int
    idle_seconds: float
    demo_rounds: int


FULL = Sizes(
    rounds=3,
    contestants=DEFAULT,
    load=Load("main", 200, 500),
    per_event_events=PER_EVENT_EVENTS,
    chunks=CHUNKS,
    latency_seconds=30,
    scaling_seconds=30,
    scaling_rounds=2,
    memory_slots=10_000,
    filled_events=10_000_000,
    held_seconds=600,
    backlog_events=1_000_000,
    recovery_rounds=1,
    idle_seconds=30,
    demo_rounds=3,
)

QUICK = replace(
    FULL,
    rounds=1,
    contestants=("rollcall:1", "per_event:1", "rollcall:1:duplicates"),
    load=Load("main", 20, 100),
    per_event_events=500,
    chunks=(100, 500),
    latency_seconds=3,
    scaling_seconds=0,
    memory_slots=0,
    filled_events=5_000,
    held_seconds=0,
    backlog_events=4_000,
    idle_seconds=3,
    demo_rounds=0,
)
"""About two minutes. It leaves out what means nothing when it is short: scaling, memory, the demo."""
