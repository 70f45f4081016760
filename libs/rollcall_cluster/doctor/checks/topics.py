"""The topics: there, as the registry wants them, copied often enough, and holding what is not handled."""

from collections.abc import Iterator

from rollcall.consumer.positions import check_position
from rollcall.topic_admin import MOST_COPIES
from rollcall.topology import Topology
from rollcall_cluster.doctor.check import Check, Found, problem, unseen, warning
from rollcall_cluster.doctor.facts import Facts, KafkaFacts, PostgresFacts
from rollcall_events.topics import TOPICS, Topic

TOPOLOGY = Topology(TOPICS)
_ALTER = "kafka-configs.sh --alter --entity-type topics --entity-name {} --add-config {}"
_NEAR = 0.1


def _kafka(facts: Facts) -> KafkaFacts:
    assert isinstance(facts.kafka, KafkaFacts)
    return facts.kafka


def _postgres(facts: Facts) -> PostgresFacts:
    assert isinstance(facts.postgres, PostgresFacts)
    return facts.postgres


def _existing(facts: Facts) -> Iterator[tuple[str, Topic]]:
    for topic in TOPICS:
        if (name := facts.settings.topic(topic.name)) in _kafka(facts).topics:
            yield name, topic


def _exist(facts: Facts) -> Iterator[Found]:
    there = {topic.name for _, topic in _existing(facts)}
    missing = [facts.settings.topic(topic.name) for topic in TOPICS if topic.name not in there]
    if missing:
        yield problem(
            f"missing: {', '.join(missing)}",
            "essay-lifecycle-service topics; check ROLLCALL_TOPIC_PREFIX first",
        )
    for name, _ in _existing(facts):
        if leaderless := _kafka(facts).topics[name].leaderless:
            yield problem(
                f"{name}: {leaderless} partitions have no leader", "bring their brokers back"
            )


def _partitions(facts: Facts) -> Iterator[Found]:
    kafka = _kafka(facts)
    lanes = len(facts.postgres.lanes) if isinstance(facts.postgres, PostgresFacts) else 0
    wanted = lanes or facts.settings.lanes
    positions = facts.settings.topic(TOPOLOGY.lane_positions.name)
    if positions in kafka.topics and kafka.topics[positions].partitions < wanted:
        yield problem(
            f"{positions} has {kafka.topics[positions].partitions} partitions for {wanted} lanes:"
            " the lanes beyond cannot be published",
            f"kafka-topics.sh --alter --topic {positions} --partitions {wanted}",
        )
    if lanes and lanes != facts.settings.lanes:
        yield warning(
            f"ROLLCALL_LANES={facts.settings.lanes} is not heeded: the schema was first used with"
            f" {lanes} lanes",
            f"set ROLLCALL_LANES={lanes}",
        )
    inputs = {
        name: kafka.topics[name].partitions
        for name, topic in _existing(facts)
        if topic.direction == "in"
    }
    if len(set(inputs.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in inputs.items())
        yield warning(
            f"input topics differ in partitions ({told}): replicas get unequal work",
            "give all of them as many partitions as the largest has",
        )
    most = max(inputs.values(), default=0)
    if most and facts.replica_count > most:
        yield warning(
            f"{facts.replica_count} replicas for {most} partitions: {facts.replica_count - most} do"
            " nothing",
            f"kafka-topics.sh --alter --partitions {facts.replica_count} for every input topic, or"
            " fewer replicas",
        )


def _copies(facts: Facts) -> Iterator[Found]:
    kafka = _kafka(facts)
    if kafka.brokers == 1:
        return
    wanted = min(MOST_COPIES, kafka.brokers)
    for name, _ in _existing(facts):
        topic = kafka.topics[name]
        least = int(kafka.topic_configs.get(name, {}).get("min.insync.replicas", 0))
        if topic.replicas < wanted:
            yield problem(
                f"{name} has {topic.replicas} copies on {kafka.brokers} brokers",
                f"kafka-reassign-partitions.sh to {wanted} replicas",
            )
        elif topic.in_sync < topic.replicas:
            yield warning(
                f"{name}: {topic.in_sync} of {topic.replicas} copies are in sync",
                "look for a broker that is away or slow",
            )
        yield from _least_in_sync(name, least, topic.replicas)


def _least_in_sync(name: str, least: int, replicas: int) -> Iterator[Found]:
    if replicas > 2 and 0 < least < 2:
        yield problem(
            f"{name}: min.insync.replicas={least}: a record that one broker alone has counts as"
            " written",
            _ALTER.format(name, "min.insync.replicas=2"),
        )
    elif least and least >= replicas > 1:
        yield problem(
            f"{name}: min.insync.replicas={least} of {replicas} copies: one broker away stops all"
            " writing",
            _ALTER.format(name, f"min.insync.replicas={replicas - 1}"),
        )


def _cleanup(facts: Facts) -> Iterator[Found]:
    for name, topic, config in _configured(facts):
        policy = config.get("cleanup.policy", "")
        if policy == topic.cleanup_policy:
            continue
        if topic.cleanup_policy == "compact":
            what = "positions of lanes that rest are deleted, and the lanes refused"
        else:
            what = "records vanish that have the key of a later one"
        yield problem(
            f"{name}: cleanup.policy={policy}: {what}",
            _ALTER.format(name, f"cleanup.policy={topic.cleanup_policy}"),
        )


def _retention(facts: Facts) -> Iterator[Found]:
    for name, topic, config in _configured(facts):
        wanted = int(topic.config["retention.ms"])
        found = int(config.get("retention.ms", wanted))
        if found != -1 and (wanted == -1 or found < wanted):
            # What compacts is not deleted by age, so the value matters for the others alone.
            make = problem if topic.direction == "in" and found < 3_600_000 else warning
            if topic.cleanup_policy == "delete":
                yield make(
                    f"{name}: retention.ms={found}, the registry says {wanted}: what waits for"
                    " longer is gone",
                    _ALTER.format(name, f"retention.ms={wanted}"),
                )
        if int(config.get("retention.bytes", -1)) != -1 and topic.direction == "in":
            yield warning(
                f"{name}: retention.bytes={config['retention.bytes']}: a burst removes records"
                " before they are handled",
                _ALTER.format(name, "retention.bytes=-1"),
            )


def _sizes(facts: Facts) -> Iterator[Found]:
    for name, topic, config in _configured(facts):
        found = int(config.get("max.message.bytes", topic.max_message_bytes))
        if found < topic.max_message_bytes:
            make = warning if topic.direction == "in" else problem
            what = (
                "upstreams cannot send"
                if topic.direction == "in"
                else "a large event holds up its lane"
            )
            yield make(
                f"{name}: max.message.bytes={found}, the registry says {topic.max_message_bytes}:"
                f" {what}",
                _ALTER.format(name, f"max.message.bytes={topic.max_message_bytes}"),
            )
        if topic.direction == "in" and facts.settings.record_max_bytes > found:
            yield warning(
                f"ROLLCALL_RECORD_MAX_BYTES={facts.settings.record_max_bytes} is above"
                f" max.message.bytes={found} of {name}: such records never come",
                f"set ROLLCALL_RECORD_MAX_BYTES={found} or less",
            )


def _timestamps(facts: Facts) -> Iterator[Found]:
    for name, topic, config in _configured(facts):
        after = int(config.get("message.timestamp.after.max.ms", 3_600_000))
        create_time = config.get("message.timestamp.type", "CreateTime") == "CreateTime"
        if topic.direction != "in" and create_time and after < 60_000:
            yield problem(
                f"{name}: message.timestamp.after.max.ms={after}: a replica whose clock is ahead by"
                " that much cannot publish",
                _ALTER.format(name, "message.timestamp.after.max.ms=3600000"),
            )


def _configured(facts: Facts) -> Iterator[tuple[str, Topic, dict[str, str]]]:
    for name, topic in _existing(facts):
        if config := _kafka(facts).topic_configs.get(name):
            yield name, topic, dict(config)


def _readable(facts: Facts) -> Iterator[Found]:
    hidden = [name for name, _ in _existing(facts) if name not in _kafka(facts).topic_configs]
    if hidden:
        yield unseen(
            f"this user may not read the settings of {', '.join(hidden)}",
            "grant this user DESCRIBE_CONFIGS on these topics",
        )


def _positions(facts: Facts) -> Iterator[Found]:
    ranges = _kafka(facts).log_ranges
    for partition, position in sorted(_postgres(facts).positions.items()):
        log = ranges.get(partition)
        if log is None:
            continue
        if refusal := check_position(partition, position, log):
            yield problem(
                f"{partition}: {refusal.reason}",
                'docs/operations.md, "What each problem means": partition refused',
            )
        elif (
            position < log.end
            and log.start > 0
            and position - log.start < (log.end - log.start) * _NEAR
        ):
            yield warning(
                f"{partition}: position {position} is close to the start of the log ({log.start}),"
                f" {log.end - position} records wait: retention may remove them first",
                _ALTER.format(partition.topic, "retention.ms=-1") + " until they are handled",
            )


def _lanes(facts: Facts) -> Iterator[Found]:
    positions = _kafka(facts).lane_positions
    for lane, (last, published) in sorted(_postgres(facts).lanes.items()):
        seq = positions.get(lane, 0)
        if seq > last:
            yield problem(
                f"lane {lane}: Kafka holds segment {seq}, the database gave numbers up to {last}: it"
                " was restored to an earlier point",
                'stop every replica; docs/operations.md, "Backup and restore"',
            )
        elif seq < published:
            yield problem(
                f"lane {lane}: published up to {published}, Kafka's positions end at {seq}: the"
                " positions topic was lost",
                'docs/operations.md, "Disaster"',
            )


CHECKS = (
    Check("topics", "every topic of the registry exists and has leaders", ("kafka",), _exist),
    Check("topic-settings", "whether they may be read", ("kafka",), _readable),
    Check("partitions", "partitions against lanes and replicas", ("kafka",), _partitions),
    Check("topic-copies", "replication factor, min.insync.replicas", ("kafka",), _copies),
    Check(
        "cleanup", "cleanup.policy: inputs keep all, lane positions compact", ("kafka",), _cleanup
    ),
    Check(
        "retention", "retention.ms and retention.bytes against the registry", ("kafka",), _retention
    ),
    Check("record-sizes", "max.message.bytes against events and settings", ("kafka",), _sizes),
    Check("timestamps", "how far a replica's clock may be ahead", ("kafka",), _timestamps),
    Check(
        "positions", "positions in PostgreSQL against the logs", ("kafka", "postgres"), _positions
    ),
    Check("lane-positions", "lanes in PostgreSQL against Kafka", ("kafka", "postgres"), _lanes),
)
