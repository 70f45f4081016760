"""Kafka's brokers: what their settings do to transactions, groups and acknowledged records."""

from collections.abc import Iterator

from rollcall.consumer.group_member import MAX_POLL_INTERVAL_SECONDS
from rollcall.outbox.producer import TRANSACTION_TIMEOUT_SECONDS
from rollcall_cluster.doctor.check import Check, Found, problem, unseen, warning
from rollcall_cluster.doctor.facts import Facts, KafkaFacts
from rollcall_cluster.doctor.kafka_side import INTERNAL_TOPICS

_COPIES = 3
_FORBIDDEN = "grant this user DESCRIBE_CONFIGS on the cluster, or look at the brokers' files"


def _kafka(facts: Facts) -> KafkaFacts:
    assert isinstance(facts.kafka, KafkaFacts)
    return facts.kafka


def _values(kafka: KafkaFacts, name: str) -> list[int]:
    """A setting's values, of those brokers that told it."""
    return [int(config[name]) for config in kafka.broker_configs.values() if config.get(name)]


def _configs_seen(kafka: KafkaFacts) -> Iterator[Found]:
    if not kafka.broker_configs:
        yield unseen("this user may not read the brokers' settings", _FORBIDDEN)


def _session_timeout(facts: Facts) -> Iterator[Found]:
    kafka = _kafka(facts)
    yield from _configs_seen(kafka)
    seconds = facts.settings.session_timeout_seconds
    least = max(_values(kafka, "group.min.session.timeout.ms"), default=0)
    most = min(_values(kafka, "group.max.session.timeout.ms"), default=None)
    if seconds * 1000 < least:
        yield problem(
            f"ROLLCALL_SESSION_TIMEOUT_SECONDS={seconds:g} is below the brokers'"
            f" group.min.session.timeout.ms={least}: no replica can join the group",
            f"set ROLLCALL_SESSION_TIMEOUT_SECONDS={least / 1000:g} or more, or lower the brokers'",
        )
    if most is not None and seconds * 1000 > most:
        yield problem(
            f"ROLLCALL_SESSION_TIMEOUT_SECONDS={seconds:g} is above the brokers'"
            f" group.max.session.timeout.ms={most}: no replica can join the group",
            f"set ROLLCALL_SESSION_TIMEOUT_SECONDS={most / 1000:g} or less, or raise the brokers'",
        )


def _max_poll(facts: Facts) -> Iterator[Found]:
    settings = facts.settings
    longest = max(settings.statement_timeout_seconds, settings.transaction_timeout_seconds)
    if longest >= MAX_POLL_INTERVAL_SECONDS:
        yield problem(
            f"a chunk may take {longest:g} s, and a member that does not poll for"
            f" {MAX_POLL_INTERVAL_SECONDS} s (max.poll.interval) leaves the group in the middle of it",
            "lower ROLLCALL_STATEMENT_TIMEOUT_SECONDS and ROLLCALL_TRANSACTION_TIMEOUT_SECONDS",
        )
    if settings.stall_seconds < settings.session_timeout_seconds:
        yield warning(
            f"ROLLCALL_STALL_SECONDS={settings.stall_seconds:g} is below"
            f" ROLLCALL_SESSION_TIMEOUT_SECONDS={settings.session_timeout_seconds:g}: each crash of a"
            " replica makes the others unready",
            f"set ROLLCALL_STALL_SECONDS={settings.session_timeout_seconds * 1.5:g} or more",
        )


def _transactions(facts: Facts) -> Iterator[Found]:
    kafka = _kafka(facts)
    yield from _configs_seen(kafka)
    longest = min(_values(kafka, "transaction.max.timeout.ms"), default=None)
    if longest is not None and longest < TRANSACTION_TIMEOUT_SECONDS * 1000:
        yield problem(
            f"the brokers' transaction.max.timeout.ms={longest} is below the relay's"
            f" {TRANSACTION_TIMEOUT_SECONDS * 1000}: no lane can be published",
            f"set transaction.max.timeout.ms={TRANSACTION_TIMEOUT_SECONDS * 1000} or more",
        )
    largest = min(_values(kafka, "socket.request.max.bytes"), default=None)
    needed = max(
        (int(c.get("max.message.bytes", 0)) for c in kafka.topic_configs.values()), default=0
    )
    if largest is not None and largest < needed:
        yield problem(
            f"socket.request.max.bytes={largest} is below the largest max.message.bytes={needed}:"
            " a large event would hold up its lane",
            f"set socket.request.max.bytes={needed + 1024 * 1024} or more on the brokers",
        )


def _copies(facts: Facts) -> Iterator[Found]:
    kafka = _kafka(facts)
    if kafka.brokers == 1:
        yield warning(
            "one broker: its disk is the only copy of every topic",
            "run three brokers or more before anything depends on this cluster",
        )
        return
    wanted = min(_COPIES, kafka.brokers)
    for name in INTERNAL_TOPICS:
        topic = kafka.topics.get(name)
        if topic and topic.replicas < wanted:
            yield problem(
                f"{name} has {topic.replicas} copies on {kafka.brokers} brokers: without the one"
                " that holds it nothing is published or consumed",
                f"kafka-reassign-partitions.sh for {name} to {wanted} replicas, and set"
                f" {_internal_setting(name)}={wanted}",
            )


def _internal_setting(topic: str) -> str:
    kind = "transaction.state.log" if "transaction" in topic else "offsets.topic"
    return f"{kind}.replication.factor"


def _unclean(facts: Facts) -> Iterator[Found]:
    kafka = _kafka(facts)
    yield from _configs_seen(kafka)
    for broker, config in sorted(kafka.broker_configs.items()):
        if config.get("unclean.leader.election.enable") == "true":
            yield problem(
                f"broker {broker}: unclean.leader.election.enable=true: records that were"
                " acknowledged may vanish, committed transactions among them",
                "set unclean.leader.election.enable=false",
            )
        if config.get("auto.create.topics.enable") == "true":
            yield warning(
                f"broker {broker}: auto.create.topics.enable=true: a wrong ROLLCALL_TOPIC_PREFIX of"
                " an upstream makes topics that nobody reads",
                "set auto.create.topics.enable=false",
            )


CHECKS = (
    Check("kafka-copies", "brokers, copies of the internal topics", ("kafka",), _copies),
    Check(
        "session-timeout",
        "ROLLCALL_SESSION_TIMEOUT_SECONDS within the brokers' limits",
        ("kafka",),
        _session_timeout,
    ),
    Check("max-poll", "time limits of chunks against max.poll.interval", (), _max_poll),
    Check(
        "kafka-transactions",
        "brokers' limits against the relay's transactions",
        ("kafka",),
        _transactions,
    ),
    Check(
        "kafka-elections", "unclean elections, topics that come by themselves", ("kafka",), _unclean
    ),
)
