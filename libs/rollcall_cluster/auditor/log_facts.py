"""What to read of the logs, and what is known of the logs themselves. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from aiokafka import TopicPartition

from rollcall_cluster.auditor.log_reading import Reach
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.orders import Orders
from rollcall_cluster.auditor.report import LogSummary
from rollcall_cluster.auditor.rest import Look
from rollcall_events.topics import TOPICS

Offsets = Mapping[TopicPartition, int]
Row = tuple[Any, ...]

# Records are dated by the replicas' clocks, rows by the database's, and a lane's new owner may date a
# record earlier than the one before it is dated.
_CLOCKS_SECONDS = 300.0

_INPUTS: Mapping[str, tuple[str, ...]] = {
    "registration_input": ("batch.essays.registered.v1",),
    "content_input": ("file.essay.content.provisioned.v1",),
    "failure_input": ("file.essay.validation.failed.v1",),
}
_OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "assigned": ("els.essay.slot.assigned.v1",),
    "excess": ("els.excess.content.provisioned.v1",),
    "dead_letters": ("els.dead.letters.v1",),
    "completion": (
        "els.batch.content.provisioning.completed.v1",
        "els.batch.essays.ready.v1",
        "els.batch.validation.errors.v1",
    ),
    "timeout": ("els.batch.readiness.timeout.v1",),
    "marked": tuple(topic.name for topic in TOPICS if topic.direction == "out"),
}


@dataclass(slots=True, frozen=True)
class Removed:
    """What retention has removed: where each log starts, and when the oldest record left was written.

    `oldest` is in seconds since 1970, and has no value for a log that holds nothing.
    """

    starts: Offsets
    oldest: Mapping[TopicPartition, float]

    def count(self, topics: Collection[str]) -> int:
        """How many offsets of these topics."""
        return sum(start for p, start in self.starts.items() if p.topic in topics)

    def until(self, topics: Collection[str]) -> float:
        """All that was removed of these topics was written before that moment; 0: nothing was."""
        return max(self._moments(topics), default=0.0)

    def _moments(self, topics: Collection[str]) -> Iterable[float]:
        for partition, start in self.starts.items():
            if partition.topic in topics and start > 0:
                yield self.oldest.get(partition, inf) + _CLOCKS_SECONDS


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
    return [(o.entry, o.header, o.batch, o.events, o.at) for o in orders.publishing]


def facts(
    logbook: Logbook,
    look: Look,
    removed: Removed,
    read: Counter[str],
    sweep_seconds: float,
) -> dict[str, float]:
    """What the checks' predicates need to know besides their rows.

    `.._gone`: how many records there may have been that cannot be read: removed by retention, still queued,
    or in a topic of before that an operator gave up. `.._until`: announcements of what happened before that
    moment may be among them.
    """
    found = {"sweep_seconds": sweep_seconds, "outputs": sum(read[n] for n in logbook.names("out"))}
    given_up = look.orders.given_up
    for name, topics in _INPUTS.items():
        names = [n for n in logbook.names("in") if logbook.topics[n].name in topics]
        found[f"{name}_gone"] = removed.count(names) + sum(given_up[n] for n in names)
    for name, topics in _OUTPUTS.items():
        names = [n for n in logbook.names("out") if logbook.topics[n].name in topics]
        found[f"{name}_gone"] = removed.count(names) + look.queued_events
        found[f"{name}_until"] = inf if look.queued_events else removed.until(names)
    return found


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
