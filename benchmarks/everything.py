"""Every measurement, one after the other, on one set of servers."""

import time
from collections.abc import Awaitable, Callable

import psycopg
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.markup import escape

from benchmarks import endurance, idle, latency, memory, profiling, recovery, scaling, throughput
from benchmarks.ceilings import benchmark as ceilings
from benchmarks.contestants import parse_all
from benchmarks.coordination import run as coordination
from benchmarks.run import Conditions
from benchmarks.sizes import Sizes
from rollcall_cluster.measuring.errors import MeasurementError
from rollcall_cluster.measuring.load import Load

Step = Callable[[], Awaitable[bool]]


async def measure_all(console: Console, conditions: Conditions, sizes: Sizes) -> bool:
    """Run each; returns whether every answer was right. What fails early does not stop the rest."""
    right = True
    for name, step in _steps(console, conditions, sizes).items():
        console.rule(name)
        began = time.monotonic()
        try:
            right = await step() and right
        except (MeasurementError, KafkaError, psycopg.Error, OSError) as error:
            console.print(f"[red]{name} failed[/]: {escape(str(error) or repr(error))}")
            right = False
        console.print(f"{name}: {time.monotonic() - began:.0f} s")
    return right


def _steps(console: Console, conditions: Conditions, sizes: Sizes) -> dict[str, Step]:
    load = sizes.load
    backlog = Load("backlog", max(1, sizes.backlog_events // load.slots), load.slots)
    steps: dict[str, Step] = {
        "throughput": lambda: throughput.benchmark(
            console,
            conditions,
            parse_all(sizes.contestants, sizes.per_event_events),
            load,
            sizes.rounds,
        ),
        "ceilings": lambda: ceilings.benchmark(
            console, conditions, load, sizes.rounds, sizes.chunks
        ),
        "latency": lambda: latency.benchmark(
            console, conditions, sizes.latency_seconds, sizes.rounds, None
        ),
        "endurance": lambda: endurance.benchmark(
            console, conditions, load, sizes.filled_events, sizes.held_seconds, sizes.rounds
        ),
        "recovery": lambda: recovery.benchmark(
            console, conditions, load, backlog, sizes.recovery_rounds
        ),
        "idle": lambda: idle.benchmark(console, conditions, sizes.idle_seconds, sizes.rounds),
        "profile": lambda: profiling.benchmark(console, conditions, load, sizes.latency_seconds),
    }
    if sizes.scaling_seconds:
        steps["scaling"] = lambda: scaling.benchmark(
            console, conditions, sizes.scaling_seconds, sizes.scaling_rounds, scaling.SHARE_OF_CORE
        )
    if sizes.memory_slots:
        steps["memory"] = lambda: memory.benchmark(console, conditions, sizes.rounds)
        steps["coordination"] = lambda: coordination.benchmark(console, conditions, sizes.rounds)
    return steps
