"""How far the records of a benchmark's deployment are handled."""

import psycopg

from benchmarks.deployment import SCHEMA, Deployment
from rollcall_cluster.measuring import progress
from rollcall_cluster.measuring.progress import Sample
from rollcall_events import EssayContentProvisionedV1


async def sample_until(
    deployment: Deployment, handled: int, deadline_seconds: float
) -> list[Sample]:
    """Sample the contents until so many are handled, or until the deadline."""
    topic = deployment.topic(EssayContentProvisionedV1)
    with _connected(deployment) as connection:
        return await progress.sample_until(connection, topic, handled, deadline_seconds)


def handled(deployment: Deployment) -> int:
    """How many contents are handled now."""
    with _connected(deployment) as connection:
        return progress.look(connection, deployment.topic(EssayContentProvisionedV1)).handled


def _connected(deployment: Deployment) -> psycopg.Connection[tuple[int]]:
    return psycopg.connect(deployment.dsn, autocommit=True, options=f"-c search_path={SCHEMA}")
