"""What to read of the logs, and what is known of the logs themselves. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import TopicPartition

from rollcall_cluster.auditor.log_reading import Reach
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.report import LogSummary
from rollcall_cluster.auditor.rest import Look

Offsets = Mapping[TopicPartition, int]
Row = tuple[Any, ...]

_INPUTS = {
    "registration_input": ("batch.essays.registered.v1",),
    "content_input": ("file.essay.content.provisioned.v1",),
    "failure_input": ("file.essay.validation.failed.v1",),
}
_OUTPUTS = {
    "assigned": ("els.essay.slot.assigned.v1",),
    "excess": ("els.excess.content.provisioned.v1",),
    "dead_letters": ("els.dead.letters.v1",),
    "completion": (
        "els.batch.content.provisioning.completed.v1",
        "els.batch.essays.ready.v1",
        "els.batch.validation.errors.v1",
    ),
    "timeout": ("els.batch.readiness.timeout.v1",),
}


def reaches(logbook: Logbook, look: Look, ends: Offsets) -> list[Reach]:
    """All of the output; of the input what was handled, for the rest cannot have had an effect."""
    found = []
    for partition, end in ends.items():
        start, early_end = look.ends.starts[partition], look.ends.ends[partition]
        key = (partition.topic, partition.partition)
        if logbook.topic(partition).direction == "in":
            end = min(end, look.positions.get(key, start))
        found.append(
            Reach(topic=key[0], partition=key[1], start=start, end=end, early_end=early_end)
        )
    return found


def position_rows(
    logbook: Logbook, look: Look, ends: Offsets, moved_back: Collection[tuple[str, int]]
) -> list[Row]:
    """Rows of `position`: every input partition, and positions of partitions that do not exist."""
    topics = logbook.names("in")
    inputs = {(p.topic, p.partition): p for p in ends if p.topic in topics}
    rows: list[Row] = [
        (*key, None, position, 0, 0, False, key in moved_back)
        for key, position in look.positions.items()
        if key[0] in topics and key not in inputs
    ]
    for key, partition in inputs.items():
        limits = (look.ends.starts[partition], ends[partition])
        position = look.positions.get(key)
        behind = partition in look.behind
        rows.append((*key, logbook.number(*key), position, *limits, behind, key in moved_back))
    return rows


def facts(
    logbook: Logbook, look: Look, starts: Offsets, read: Counter[str], sweep_seconds: float
) -> dict[str, float]:
    """What the checks' predicates need to know besides their rows.

    `.._trimmed`: retention has removed records of the topic; `.._hidden`: that, or events still queue.
    """
    trimmed = {logbook.topic(p).name for p, start in starts.items() if start > 0}
    queued = look.queued_events > 0
    return {
        "sweep_seconds": sweep_seconds,
        "outputs": sum(read[name] for name in logbook.names("out")),
        **{f"{name}_trimmed": not trimmed.isdisjoint(topics) for name, topics in _INPUTS.items()},
        **{
            f"{name}_hidden": queued or not trimmed.isdisjoint(topics)
            for name, topics in _OUTPUTS.items()
        },
    }


def summaries(logbook: Logbook, starts: Offsets, read: Counter[str]) -> tuple[LogSummary, ...]:
    """Every topic as it was read."""
    return tuple(
        LogSummary(
            topic=name,
            direction=topic.direction,
            partitions=sum(partition.topic == name for partition in starts),
            records=read[name],
            no_longer_readable=sum(start for p, start in starts.items() if p.topic == name),
        )
        for name, topic in logbook.topics.items()
        if topic.direction != "internal"
    )
