"""What happened, made from successive snapshots and from what the database recorded. Pure."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Generic, TypeVar

from rollcall.console.documents import (
    Entry,
    EntryKind,
    InstanceState,
    InstanceView,
    Partition,
    Relay,
    Timeline,
)
from rollcall.console.reader import Read

T = TypeVar("T")

_MOST_ENTRIES = 100
_STATES: dict[InstanceState, tuple[EntryKind, str]] = {
    "ready": ("recovered", "is ready"),
    "not_ready": ("fault", "is not ready"),
    "unreachable": ("fault", "does not answer"),
    "lost": ("lost", "is lost"),
    "starting": ("joined", "is starting"),
}


class _Settling(Generic[T]):
    """Tells a change once it has been seen twice the same: what is on its way is not told."""

    def __init__(self) -> None:
        self.settled: T | None = None
        self._candidate: T | None = None

    def seen(self, value: T) -> tuple[T, T] | None:
        """Before and after, if the value has settled on something new."""
        steady, self._candidate = value == self._candidate, value
        if not steady or value == self.settled:
            return None
        before, self.settled = self.settled, value
        return None if before is None else (before, value)


class Chronicle:
    """Follows one service from snapshot to snapshot; keeps the newest 100 entries."""

    def __init__(self, watched_since: datetime) -> None:
        self._since = watched_since
        self._entries: dict[str, Entry] = {}
        self._states: dict[str, InstanceState] = {}
        self._places: set[tuple[str, int]] = set()
        self._owners: _Settling[dict[tuple[str, int], str]] = _Settling()
        self._lanes: _Settling[dict[int, str]] = _Settling()
        self._dead: int | None = None
        self._numbered = 0

    def seen(
        self,
        at: datetime,
        read: Read,
        instances: list[InstanceView],
        partitions: list[Partition],
        relay: Relay,
    ) -> Timeline:
        """Take in one moment."""
        self._see_records(read)
        self._see_instances(at, instances)
        self._see_owners(at, partitions)
        self._see_lanes(at, relay)
        self._see_letters(at, read.letters.dead)
        newest = sorted(self._entries.values(), key=lambda entry: entry.at, reverse=True)
        self._entries = {entry.key: entry for entry in newest[:_MOST_ENTRIES]}
        return Timeline(watched_since=self._since, entries=list(self._entries.values()))

    def _see_records(self, read: Read) -> None:
        """What is written down, also from before anybody watched."""
        for row in read.instances:
            self._record(
                f"joined {row.instance_id}", row.started_at, "joined", f"{row.instance_id} joined"
            )
        for change in read.changes:
            kind: EntryKind = "paused" if change.action == "pause" else "resumed"
            said = f"{change.topic} {kind}{_because(change.reason)}"
            self._record(f"{kind} {change.at} {change.topic}", change.at, kind, said)
        for order in read.settled:
            kind = "redriven" if order.action == "redrive" else "discarded"
            letters = _counted(order.letters, "dead letter")
            said = f"{letters} {kind}{_because(order.reason)}"
            self._record(f"{kind} {order.at}", order.at, kind, said)

    def _see_instances(self, at: datetime, instances: list[InstanceView]) -> None:
        states = {instance.instance_id: instance.state for instance in instances}
        for view in instances:
            before = self._states.get(view.instance_id)
            if before is None or before == view.state:
                continue
            kind, text = _STATES[view.state]
            causes = f": {'; '.join(view.problems)}" if view.problems else ""
            self._tell(at, kind, f"{view.instance_id} {text}{causes}")
        for gone in sorted(self._states.keys() - states.keys()):
            if self._states[gone] != "lost":
                self._tell(at, "left", f"{gone} left")
        self._states = states

    def _see_owners(self, at: datetime, partitions: list[Partition]) -> None:
        """A rebalance is over when every partition has an owner, the same in two looks."""
        self._places |= {(each.topic, each.partition) for each in partitions}
        whole = {
            (each.topic, each.partition): each.owner
            for each in partitions
            if each.owner is not None
        }
        if len(whole) < len(self._places) or not whole:
            return
        if (moved := self._owners.seen(whole)) is None:
            return
        before, after = moved
        count = sum(before.get(place) != owner for place, owner in after.items())
        shares = _shares(before.values(), after.values())
        self._tell(at, "rebalance", f"{_counted(count, 'partition')} moved: {shares}")

    def _see_lanes(self, at: datetime, relay: Relay) -> None:
        owners = {lane.lane: lane.owner for lane in relay.lanes if lane.owner is not None}
        if len(owners) < len(relay.lanes):
            return
        if (moved := self._lanes.seen(owners)) is None:
            return
        before, after = moved
        taken = [
            f"{owner} takes lane {lane}"
            for lane, owner in sorted(after.items())
            if before.get(lane) != owner
        ]
        self._tell(at, "lanes", ", ".join(taken))

    def _see_letters(self, at: datetime, dead: int) -> None:
        if self._dead is not None and dead > self._dead:
            self._tell(at, "dead_letters", f"{_counted(dead - self._dead, 'new dead letter')}")
        self._dead = dead

    def _tell(self, at: datetime, kind: EntryKind, text: str) -> None:
        self._numbered += 1
        key = f"seen {self._numbered}"
        self._entries[key] = Entry(key=key, at=at, kind=kind, text=text)

    def _record(self, key: str, at: datetime, kind: EntryKind, text: str) -> None:
        self._entries[key] = Entry(key=key, at=at, kind=kind, text=text, recorded=True)


def _shares(before: Iterable[str], after: Iterable[str]) -> str:
    """How many each had and has: `a 12 to 18, b 12 to 18`."""
    had, has = Counter(before), Counter(after)
    changed = [name for name in sorted({*had, *has}) if had[name] != has[name]]
    return ", ".join(f"{name} {had[name]} to {has[name]}" for name in changed) or "same shares"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
