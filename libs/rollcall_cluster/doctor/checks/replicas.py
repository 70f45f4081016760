"""Replicas, clocks and libraries: what runs, whether it agrees, and what time it thinks it is."""

from collections.abc import Iterator
from importlib.metadata import version

from rollcall_cluster.doctor.check import Check, Found, problem, warning
from rollcall_cluster.doctor.facts import Facts, KafkaFacts, PostgresFacts

_SKEW_WARNING_SECONDS = 1.0
_SKEW_PROBLEM_SECONDS = 60.0
# What a header with whole seconds cannot tell apart.
_HTTP_ERROR_SECONDS = 1.0


def _ready(facts: Facts) -> Iterator[Found]:
    for replica in facts.replicas:
        if replica.error:
            yield problem(
                f"{replica.url} gives no answer: {replica.error}",
                "see whether it runs; ROLLCALL_HTTP_HOST must be reachable from here",
            )
        for told in replica.problems:
            yield problem(
                f"{replica.instance_id}: {told}", 'docs/operations.md, "What each problem means"'
            )
    if isinstance(facts.postgres, PostgresFacts) and not facts.postgres.instances:
        yield warning(
            "no replica reports itself to the database",
            "start replicas, or go on if none shall run",
        )


def _group(facts: Facts) -> Iterator[Found]:
    assert isinstance(facts.kafka, KafkaFacts)
    assert isinstance(facts.postgres, PostgresFacts)
    members, alive = facts.kafka.group_members, len(facts.postgres.instances)
    if members is not None and members > alive:
        yield problem(
            f"group {facts.settings.consumer_group} has {members} members, {alive} replicas report"
            " themselves to this schema: another deployment or another consumer shares the group",
            "give each deployment a ROLLCALL_CONSUMER_GROUP of its own",
        )


def _releases(facts: Facts) -> Iterator[Found]:
    found = {replica.version for replica in facts.replicas if replica.version}
    if len(found) > 1:
        yield warning(f"replicas run the releases {', '.join(sorted(found))}", "finish the update")
    elif found and found != {version("rollcall")}:
        yield warning(
            f"replicas run {found.pop()}, this command is {version('rollcall')}",
            "run the doctor of the release that runs",
        )


def _clocks(facts: Facts) -> Iterator[Found]:
    if isinstance(facts.postgres, PostgresFacts):
        error = facts.postgres.round_trip_seconds / 2
        yield from _skew("PostgreSQL", facts.postgres.clock_ahead_seconds, error)
    for replica in facts.replicas:
        if replica.clock_ahead_seconds is not None:
            yield from _skew(replica.url, replica.clock_ahead_seconds, _HTTP_ERROR_SECONDS)


def _skew(where: str, ahead_seconds: float, error_seconds: float) -> Iterator[Found]:
    sure = abs(ahead_seconds) - error_seconds
    if sure < _SKEW_WARNING_SECONDS:
        return
    make = problem if sure >= _SKEW_PROBLEM_SECONDS else warning
    yield make(
        f"this machine's clock is {abs(ahead_seconds):.1f} s"
        f" {'ahead of' if ahead_seconds > 0 else 'behind'} that of {where}",
        "run an NTP daemon on both (chronyc tracking); deadlines go by PostgreSQL's clock, times in"
        " events by the replicas'",
    )


def _libraries(facts: Facts) -> Iterator[Found]:
    for name, told in sorted(facts.libraries.items()):
        yield problem(f"{name}: {told}", "pip install --require-hashes -r requirements/runtime.txt")


CHECKS = (
    Check("replicas", "readiness of each replica", (), _ready),
    Check("group", "members of the consumer group against replicas", ("kafka", "postgres"), _group),
    Check("releases", "one release everywhere", (), _releases),
    Check(
        "clocks", "this machine, PostgreSQL, replicas (Kafka tells its time to nobody)", (), _clocks
    ),
    Check("libraries", "installed Python libraries against this release", (), _libraries),
)
