"""Looks at all sides at once, then asks every check."""

import asyncio
import time
from collections.abc import Collection, Sequence

from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall_cluster.doctor.checks import CHECKS
from rollcall_cluster.doctor.checks.topics import TOPOLOGY
from rollcall_cluster.doctor.facts import Facts, PostgresFacts
from rollcall_cluster.doctor.findings import Examination
from rollcall_cluster.doctor.kafka_side import look_at_kafka
from rollcall_cluster.doctor.libraries import unfulfilled
from rollcall_cluster.doctor.postgres_side import look_at_postgres
from rollcall_cluster.doctor.redis_side import look_at_redis
from rollcall_cluster.doctor.replica_side import look_at_replicas


async def look(
    settings: EssayLifecycleSettings,
    urls: Collection[str] = (),
    planned_replicas: int | None = None,
    limit_seconds: float = 20.0,
    old_seconds: float = 60.0,
) -> Facts:
    """See what can be seen; each side has `limit_seconds`. Nothing is changed anywhere.

    Replicas are those of `urls` and those that report themselves to the database.
    """
    kafka, postgres, redis = await asyncio.gather(
        look_at_kafka(settings, TOPOLOGY, limit_seconds),
        look_at_postgres(settings, limit_seconds, old_seconds),
        look_at_redis(settings, limit_seconds),
    )
    rows = postgres.instances if isinstance(postgres, PostgresFacts) else ()
    known = {row.http_url.rstrip("/") for row in rows if row.http_url}
    replicas = await look_at_replicas(
        sorted(known | {url.rstrip("/") for url in urls}), min(limit_seconds, 5.0)
    )
    return Facts(settings, kafka, postgres, redis, replicas, planned_replicas, unfulfilled())


def judge(facts: Facts, duration_seconds: float = 0.0) -> Examination:
    """Ask every check; pure."""
    findings = [finding for check in CHECKS for finding in check.run(facts)]
    return Examination(findings=tuple(findings), duration_seconds=round(duration_seconds, 3))


async def examine(
    settings: EssayLifecycleSettings,
    urls: Sequence[str] = (),
    planned_replicas: int | None = None,
    limit_seconds: float = 20.0,
    old_seconds: float = 60.0,
) -> Examination:
    """Look, then judge."""
    started = time.monotonic()
    facts = await look(settings, urls, planned_replicas, limit_seconds, old_seconds)
    return judge(facts, time.monotonic() - started)
