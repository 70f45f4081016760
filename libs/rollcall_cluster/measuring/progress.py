"""How far the records of a deployment are handled, by its positions: sampled from outside."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

_HANDLED = "SELECT coalesce(sum(next_offset), 0) FROM position WHERE topic = %s"


@dataclass(frozen=True, slots=True)
class Sample:
    """Sum of the positions of a topic's partitions at a moment (monotonic seconds)."""

    at: float
    handled: int


def rate(samples: Sequence[Sample]) -> float:
    """Records a second between the first and the last sample; 0 if there is no time between."""
    if len(samples) < 2 or samples[-1].at <= samples[0].at:
        return 0.0
    first, last = samples[0], samples[-1]
    return (last.handled - first.handled) / (last.at - first.at)


def steady(samples: Sequence[Sample], backlog_end: int) -> Sequence[Sample]:
    """Samples from the first progress to the last one that leaves records for everybody.

    The first tenth of the backlog is starting up; towards the end some partitions are empty.
    """
    start = samples[0].handled if samples else 0
    total = backlog_end - start
    return [
        sample
        for sample in samples
        if start + 0.1 * total <= sample.handled <= start + 0.75 * total
    ]


async def sample_until(
    connection: psycopg.Connection[tuple[int]],
    topic: str,
    handled: int,
    deadline_seconds: float,
    pause_seconds: float = 0.5,
) -> list[Sample]:
    """Sample until so many are handled, or until the deadline; the search path names the schema."""
    found: list[Sample] = []
    deadline = time.monotonic() + deadline_seconds
    while time.monotonic() < deadline and (not found or found[-1].handled < handled):
        found.append(await asyncio.to_thread(look, connection, topic))
        await asyncio.sleep(pause_seconds)
    return found


def look(connection: psycopg.Connection[tuple[int]], topic: str) -> Sample:
    """One sample."""
    row = connection.execute(_HANDLED, [topic]).fetchone()
    assert row is not None
    return Sample(time.monotonic(), int(row[0]))
