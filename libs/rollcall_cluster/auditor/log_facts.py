"""What to read of the logs, and what is known of the logs themselves. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import TopicPartition

from rollcall_cluster.auditor.log_reading import Reach
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.orders import Orders
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
    handled = look.orders.handled(look.positions)
    for partition, end in ends.items():
        start, early_end = look.ends.starts[partition], look.ends.ends[partition]
        key = (partition.topic, partition.partition)
        if logbook.topic(partition).direction == "in":
            end = min(end, handled.get(key, start))
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
    furthest = look.orders.furthest(look.positions)
    rows: list[Row] = [
        (*key, None, position, 0, 0, False, key in moved_back, position)
        for key, position in look.positions.items()
        if key[0] in topics and key not in inputs
    ]
    for key, partition in inputs.items():
        limits = (look.ends.starts[partition], ends[partition])
        position = look.positions.get(key)
        behind = partition in look.behind
        told = (position, *limits, behind, key in moved_back, furthest.get(key))
        rows.append((*key, logbook.number(*key), *told))
    return rows


def handled_again_rows(logbook: Logbook, orders: Orders) -> list[Row]:
    """Rows of `handled_again`."""
    return [
        (logbook.number(*place), first, following)
        for place, first, following in orders.handled_again
        if logbook.number(*place) is not None
    ]


def publishing_rows(orders: Orders) -> list[Row]:
    """Rows of `publishing_order`."""
    return [(order.entry, order.header, order.batch, order.events) for order in orders.publishing]


def facts(
    logbook: Logbook, look: Look, starts: Offsets, read: Counter[str], sweep_seconds: float
) -> dict[str, float]:
    """What the checks' predicates need to know besides their rows.

    `.._trimmed`: retention has removed records of the topic; or an operator gave
    the records of its topic up; `.._hidden`: that, or events still queue.
    """
    trimmed = {logbook.topic(p).name for p, start in starts.items() if start > 0}
    trimmed |= {
        logbook.topics[name].name for name in look.orders.recreated_topics & {*logbook.topics}
    }
    queued = look.queued_events > 0
    return {
        "sweep_seconds": sweep_seconds,
        "marked_hidden": queued
        or any(logbook.topics[name].name in trimmed for name in logbook.names("out")),
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
