"""How far the records of a deployment are handled, by its positions: sampled from outside."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from benchmarks.deployment import SCHEMA, Deployment
from rollcall_events import EssayContentProvisionedV1

_HANDLED = "SELECT coalesce(sum(next_offset), 0) FROM position WHERE topic = %s"


@dataclass(frozen=True, slots=True)
class Sample:
    """Sum of the positions of the contents' partitions at a moment (monotonic seconds)."""

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
    deployment: Deployment, handled: int, deadline_seconds: float, pause_seconds: float = 0.5
) -> list[Sample]:
    """Sample until so many are handled, or until the deadline."""
    found: list[Sample] = []
    deadline = time.monotonic() + deadline_seconds
    topic = deployment.topic(EssayContentProvisionedV1)
    with psycopg.connect(
        deployment.dsn, autocommit=True, options=f"-c search_path={SCHEMA}"
    ) as connection:
        while time.monotonic() < deadline and (not found or found[-1].handled < handled):
            row = await asyncio.to_thread(_look, connection, topic)
            found.append(row)
            await asyncio.sleep(pause_seconds)
    return found


def handled(deployment: Deployment) -> int:
    """How many are handled now."""
    with psycopg.connect(deployment.dsn, options=f"-c search_path={SCHEMA}") as connection:
        return _look(connection, deployment.topic(EssayContentProvisionedV1)).handled


def _look(connection: psycopg.Connection[tuple[int]], topic: str) -> Sample:
    row = connection.execute(_HANDLED, [topic]).fetchone()
    assert row is not None
    return Sample(time.monotonic(), int(row[0]))
