"""What the console's page is told. Each field of `Snapshot` is a section that is sent when it changes."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

InstanceState = Literal["ready", "not_ready", "starting", "unreachable", "lost"]
EntryKind = Literal[
    "joined",
    "left",
    "lost",
    "fault",
    "recovered",
    "rebalance",
    "lanes",
    "paused",
    "resumed",
    "dead_letters",
    "redriven",
    "discarded",
]


class Partition(BaseModel):
    """A partition of an input topic; `owner` and `lag` are null while no instance says that it is its."""

    topic: str
    partition: int
    owner: str | None
    next_offset: int
    lag: int | None


class InstanceView(BaseModel):
    """One instance: what its heartbeat says, and what itself says if it answers over HTTP.

    `silence_seconds` counts from its last heartbeat; `process` is its name on this machine, if known.
    """

    instance_id: str
    process: str | None = None
    host: str
    pid: int | None
    http_url: str | None
    started_at: datetime | None
    silence_seconds: int
    state: InstanceState
    problems: list[str] = []
    notices: list[str] = []
    partitions: int | None = None
    lag: int | None = None
    records_per_second: float | None = None
    lanes: list[int] = []


class LaneView(BaseModel):
    """A publication log and what waits in it; `oldest_seconds` is the age of the first that waits."""

    lane: int
    owner: str | None
    owned: bool
    segments: int
    events: int
    oldest_seconds: int | None


class Relay(BaseModel):
    """All lanes; with `more`, further segments wait that were not counted."""

    lanes: list[LaneView]
    events: int
    more: bool


class LetterCount(BaseModel):
    """Dead letters of one kind of error in one state."""

    error_type: str
    state: Literal["dead", "redriven", "discarded"]
    letters: int
    last_seen_at: datetime


class Letters(BaseModel):
    """Counts of dead letters; with `more`, there are further ones that were not counted."""

    counts: list[LetterCount]
    dead: int
    more: bool


class TopicView(BaseModel):
    """An input topic, and why it is paused, if it is. By whom is told to holders of a token alone."""

    topic: str
    paused: bool
    reason: str | None = None


class Fill(BaseModel):
    """Work with a known number of slots, and how each is taken. The rest of `slots` is open."""

    id: str
    label: str
    state: Literal["open", "completed", "closed"]
    slots: int
    filled: int
    failed: int
    missing: int
    pending: int
    since: datetime
    ended_at: datetime | None


class Fills(BaseModel):
    """The fullest open ones and those that ended last. With `..._more`, a count is a least."""

    title: str
    open: int
    open_more: bool
    ended: int
    ended_more: bool
    pending: int
    pending_more: bool
    oldest_pending_at: datetime | None
    shown: list[Fill]


class Totals(BaseModel):
    """The whole service at one moment; `lag` is null while a partition has no owner that tells."""

    instances: int
    ready: int
    lag: int | None
    records_per_second: float | None


class Point(BaseModel):
    """One moment of the past minutes, for the small curves."""

    at: datetime
    lag: int | None
    records_per_second: float | None


class Entry(BaseModel):
    """Something that happened. `recorded`: read from the database, not seen by this process."""

    key: str
    at: datetime
    kind: EntryKind
    text: str
    recorded: bool = False


class Timeline(BaseModel):
    """What happened, newest first; what nobody wrote down is known from `watched_since` on alone."""

    watched_since: datetime
    entries: list[Entry]


class Program(BaseModel):
    """A process of this machine."""

    name: str
    status: Literal["running", "dead", "external"]
    pid: int | None
    address: str


class Snapshot(BaseModel):
    """Everything, as of `at` on this process's clock."""

    at: datetime
    service: str
    group: str
    told_by: str
    totals: Totals
    instances: list[InstanceView]
    instances_left_out: int
    partitions: list[Partition]
    topics: list[TopicView]
    relay: Relay
    letters: Letters
    fills: Fills | None
    timeline: Timeline
    history: list[Point]
    programs: list[Program] | None = None
