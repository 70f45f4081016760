"""What the checks make of facts: settings of whole servers, several brokers, clocks, libraries.

What a test can plant in servers of its own is planted there: tests/services/test_doctor.py.
"""

from dataclasses import replace
from typing import Any

import pytest

from essay_lifecycle_service import migrations_folders
from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall.database.schema_version import known_migrations
from rollcall_cluster.doctor.examine import judge
from rollcall_cluster.doctor.facts import (
    Facts,
    ForeignSession,
    InstanceRow,
    KafkaFacts,
    PostgresFacts,
    RedisFacts,
    ReplicaFacts,
    TopicFacts,
    Unseen,
)
from rollcall_cluster.doctor.findings import Finding, Verdict
from rollcall_cluster.doctor.migrated import Migrated
from rollcall_events.topics import TOPICS

APPLIED = frozenset(known_migrations(migrations_folders()))
MIGRATED = Migrated.by(migrations_folders(), APPLIED)
BROKER = {
    "group.min.session.timeout.ms": "6000",
    "group.max.session.timeout.ms": "1800000",
    "transaction.max.timeout.ms": "900000",
    "socket.request.max.bytes": "104857600",
    "unclean.leader.election.enable": "false",
    "auto.create.topics.enable": "false",
}
KAFKA = KafkaFacts(
    brokers=3,
    topics={
        name: TopicFacts(12, 3, 3)
        for name in (*(t.name for t in TOPICS), "__transaction_state", "__consumer_offsets")
    },
    topic_configs={t.name: {**t.config, "min.insync.replicas": "2"} for t in TOPICS},
    broker_configs=dict.fromkeys((1, 2, 3), BROKER),
    group_members=1,
)
POSTGRES = PostgresFacts(
    version=180_001,
    in_recovery=False,
    clock_ahead_seconds=0.01,
    round_trip_seconds=0.001,
    settings={
        "max_connections": "100",
        "superuser_reserved_connections": "3",
        "default_transaction_isolation": "read committed",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "autovacuum": "on",
        "track_counts": "on",
    },
    session={"search_path": ("els", "els")},
    shares_sessions=False,
    database="postgres",
    user="app",
    user_limit=-1,
    database_limit=-1,
    sessions={},
    applied=APPLIED,
    indexes=dict.fromkeys(MIGRATED.indexes, True),
    triggers=frozenset(MIGRATED.triggers),
    instances=[InstanceRow("a", None)],
    lanes=dict.fromkeys(range(4), (0, 0)),
)
REDIS = RedisFacts("8.2.3", "master", {"maxmemory-policy": "noeviction", "appendonly": "yes"})
SOUND = Facts(EssayLifecycleSettings(), KAFKA, POSTGRES, REDIS)


def kafka(**changes: Any) -> Facts:
    return replace(SOUND, kafka=replace(KAFKA, **changes))


def broker(**changes: str) -> Facts:
    config = BROKER | {name.replace("_", "."): value for name, value in changes.items()}
    return kafka(broker_configs={1: BROKER, 2: config})


def topic(name: str, **changes: int) -> Facts:
    return kafka(topics={**KAFKA.topics, name: replace(KAFKA.topics[name], **changes)})


def topic_config(name: str, **changes: str) -> Facts:
    config = {key.replace("_", "."): value for key, value in changes.items()}
    configs = {**KAFKA.topic_configs, name: {**KAFKA.topic_configs[name], **config}}
    return kafka(topic_configs=configs)


def postgres(**changes: Any) -> Facts:
    return replace(SOUND, postgres=replace(POSTGRES, **changes))


def setting(**changes: str) -> Facts:
    return postgres(settings={**POSTGRES.settings, **changes})


def told(**changes: Any) -> Facts:
    return replace(SOUND, settings=EssayLifecycleSettings(**changes))


def found(facts: Facts) -> list[Finding]:
    """Everything that is not ok."""
    return [f for f in judge(facts).findings if f.verdict is not Verdict.OK]


def test_a_sound_deployment_has_nothing_found() -> None:
    assert found(SOUND) == []
    assert judge(SOUND).exit_code(Verdict.WARNING) == 0


PLANTED = {
    "session below the brokers' least": (
        broker(group_min_session_timeout_ms="11000"),
        "session-timeout",
    ),
    "session above the brokers' most": (
        broker(group_max_session_timeout_ms="9000"),
        "session-timeout",
    ),
    "chunks longer than max.poll": (told(transaction_timeout_seconds=600), "max-poll"),
    "relay's transactions too long": (
        broker(transaction_max_timeout_ms="5000"),
        "kafka-transactions",
    ),
    "requests too small": (broker(socket_request_max_bytes="1048576"), "kafka-transactions"),
    "unclean elections": (broker(unclean_leader_election_enable="true"), "kafka-elections"),
    "one copy of transaction state": (topic("__transaction_state", replicas=1), "kafka-copies"),
    "a topic with two copies": (
        topic("els.essay.slot.assigned.v1", replicas=2, in_sync=2),
        "topic-copies",
    ),
    "one in sync is enough": (
        topic_config("batch.essays.registered.v1", min_insync_replicas="1"),
        "topic-copies",
    ),
    "all must be in sync": (
        topic_config("batch.essays.registered.v1", min_insync_replicas="3"),
        "topic-copies",
    ),
    "no leader": (topic("els.relay.positions.v1", leaderless=1), "topics"),
    "PostgreSQL 16": (postgres(version=160_004), "postgres-version"),
    "a standby": (postgres(in_recovery=True), "postgres-version"),
    "fsync off": (setting(fsync="off"), "durability"),
    "torn pages": (setting(full_page_writes="off"), "durability"),
    "autovacuum off": (setting(autovacuum="off"), "vacuum"),
    "statistics off": (setting(track_counts="off"), "vacuum"),
    "sessions shared": (postgres(shares_sessions=True), "sessions"),
    "session settings dropped": (
        postgres(session={"statement_timeout": ("30000", "0")}),
        "sessions",
    ),
    "too few connections": (replace(SOUND, planned_replicas=30), "connections"),
    "connections taken by others": (postgres(sessions={"reporting": 95}), "connections"),
    "Redis 5": (replace(SOUND, redis=replace(REDIS, version="5.0.14")), "redis-version"),
    "a Redis replica": (replace(SOUND, redis=replace(REDIS, role="slave")), "redis-version"),
    "a clock a minute ahead": (postgres(clock_ahead_seconds=61.0), "clocks"),
    "a replica's clock": (
        replace(
            SOUND, replicas=[ReplicaFacts("http://a", version="0.1.0", clock_ahead_seconds=-90)]
        ),
        "clocks",
    ),
    "a library too old": (
        replace(SOUND, libraries={"aiokafka": "0.12, wanted is >=0.14"}),
        "libraries",
    ),
    "another consumer in the group": (kafka(group_members=2), "group"),
    "a replica that does not answer": (
        replace(SOUND, replicas=[ReplicaFacts("http://a", error="refused")]),
        "replicas",
    ),
    "a replica with a problem": (
        replace(SOUND, replicas=[ReplicaFacts("http://a", problems=["blind"], version="0.1.0")]),
        "replicas",
    ),
    "topics lost their positions": (
        postgres(lanes={0: (9, 9)} | dict.fromkeys((1, 2, 3), (0, 0))),
        "lane-positions",
    ),
}


@pytest.mark.parametrize(("facts", "check"), PLANTED.values(), ids=PLANTED)
def test_a_planted_problem_is_found_by_its_check_alone(facts: Facts, check: str) -> None:
    problems = [f for f in found(facts) if f.verdict is Verdict.PROBLEM]
    assert {f.check for f in problems} == {check}
    assert all(f.remedy for f in problems)
    assert judge(facts).exit_code(Verdict.PROBLEM) == 1


WARNED = {
    "one broker": (kafka(brokers=1), "kafka-copies"),
    "topics by themselves": (broker(auto_create_topics_enable="true"), "kafka-elections"),
    "a copy behind": (topic("els.dead.letters.v1", in_sync=2), "topic-copies"),
    "idle replicas": (replace(SOUND, planned_replicas=13), "partitions"),
    "unequal inputs": (topic("batch.essays.registered.v1", partitions=6), "partitions"),
    "lanes that are not heeded": (told(lanes=8), "partitions"),
    "an old transaction": (
        postgres(old_sessions=[ForeignSession("session 7", "end it", 90)]),
        "old-transactions",
    ),
    "a clock two seconds behind": (postgres(clock_ahead_seconds=-2.0), "clocks"),
    "several releases": (
        replace(
            SOUND, replicas=[ReplicaFacts("a", version="0.1.0"), ReplicaFacts("b", version="0.2.0")]
        ),
        "releases",
    ),
    "nobody there": (postgres(instances=()), "replicas"),
    "Redis forgets": (
        replace(
            SOUND,
            redis=replace(REDIS, config={"maxmemory-policy": "noeviction", "appendonly": "no"}),
        ),
        "redis-persistence",
    ),
    "stalls told too early": (told(stall_seconds=5), "max-poll"),
}


@pytest.mark.parametrize(("facts", "check"), WARNED.values(), ids=WARNED)
def test_a_warning_fails_only_where_that_is_asked_for(facts: Facts, check: str) -> None:
    warnings = [f for f in found(facts) if f.verdict is Verdict.WARNING]
    assert check in {f.check for f in warnings}
    assert judge(facts).exit_code(Verdict.PROBLEM) == (1 if check == "replicas" else 0)
    assert judge(facts).exit_code(Verdict.WARNING) == 1


@pytest.mark.parametrize("side", ["kafka", "postgres", "redis"])
def test_a_side_that_gives_no_answer_is_told_apart_from_a_sound_one(side: str) -> None:
    examination = judge(replace(SOUND, **{side: Unseen("refused")}))  # type: ignore[arg-type]
    blind = {f.check for f in examination.findings if f.verdict is Verdict.UNSEEN}
    assert blind
    assert examination.exit_code(Verdict.PROBLEM) == 2


def test_settings_that_may_not_be_read_are_told() -> None:
    hidden = kafka(broker_configs={}, topic_configs={})
    assert {f.check for f in found(hidden)} == {
        "session-timeout",
        "kafka-transactions",
        "kafka-elections",
        "topic-settings",
    }


def test_without_redis_nothing_is_said_of_it() -> None:
    examination = judge(replace(SOUND, redis=None))
    assert not any(f.check.startswith("redis") for f in examination.findings)
