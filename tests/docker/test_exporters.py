"""The exporters in the rig: Prometheus finds them, their main series arrive, an alert sees a server that is away."""

import asyncio

import httpx
import pytest

from tests.docker.rig import Rig
from tests.eventually import eventually

GROUP = 'consumergroup="essay-lifecycle-service"'
# What each must be, as PromQL that returns something when it is.
SERIES = [
    'up{job="postgres"} == 1',
    'up{job="redis"} == 1',
    'up{job="kafka"} == 1',
    "pg_up == 1",
    'pg_stat_database_xact_commit{datname="rollcall"} > 0',
    'sum(pg_stat_activity_count{datname="rollcall"}) > 3',
    "pg_settings_max_connections == 150",
    'pg_stat_user_tables_n_live_tup{schemaname="els", relname="slot"} > 0',
    "redis_up == 1",
    "redis_memory_used_bytes > 0",
    "redis_memory_max_bytes == 64 * 1024 * 1024",
    "kafka_brokers == 1",
    'sum(kafka_topic_partition_current_offset{topic="file.essay.content.provisioned.v1"}) > 0',
    f"sum(kafka_consumergroup_current_offset{{{GROUP}}}) > 0",
    f"sum(kafka_consumergroup_lag{{{GROUP}}}) == 0",
]


def asked(prometheus: httpx.Client, query: str) -> list[dict]:
    """What an instant query returns."""
    answer = prometheus.get("/api/v1/query", params={"query": query}).json()
    assert answer["status"] == "success", answer
    return answer["data"]["result"]


@pytest.mark.parametrize("query", SERIES)
async def test_what_the_exporters_say_arrives(prometheus: httpx.Client, query: str) -> None:
    await eventually(lambda: asked(prometheus, query), poll_seconds=1)


async def test_kafkas_exporter_and_the_replicas_agree_on_the_input(
    prometheus: httpx.Client,
) -> None:
    """What the group reported is what the replicas handled: positions in PostgreSQL and Kafka's copy."""
    topic = 'topic="file.essay.content.provisioned.v1"'
    ends = f"sum(kafka_topic_partition_current_offset{{{topic}}})"
    reported = f"sum(kafka_consumergroup_current_offset{{{GROUP}, {topic}}})"
    await eventually(lambda: asked(prometheus, f"{ends} == {reported}"), poll_seconds=1)


async def test_an_alert_sees_a_redis_that_is_away(rig: Rig, prometheus: httpx.Client) -> None:
    alert = 'ALERTS{alertname="RollcallRedisAway"}'
    await asyncio.to_thread(rig.compose, "stop", "redis")
    try:
        await eventually(lambda: asked(prometheus, alert), poll_seconds=1)
        assert asked(prometheus, "sum(rollcall_ready) == 3")
    finally:
        await asyncio.to_thread(rig.up)
    await eventually(lambda: not asked(prometheus, alert), poll_seconds=1)
