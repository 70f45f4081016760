"""Moments of a small service, for tests of what the console makes of them."""

from datetime import UTC, datetime, timedelta

from rollcall.console.documents import LaneView, Letters, Relay
from rollcall.console.reader import InstanceRow, Read
from rollcall.http import InstanceStatus, PartitionStatus

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
TOPIC = "in"


def at(seconds: float) -> datetime:
    """So many seconds after the start."""
    return START + timedelta(seconds=seconds)


def row(
    name: str, silence_seconds: float = 0, http_url: str | None = "http://127.0.0.1:1"
) -> InstanceRow:
    """An instance's heartbeat."""
    return InstanceRow(name, "host", 1, http_url, START, silence_seconds)


def status(
    name: str,
    partitions: list[int] | None = None,
    lanes: list[int] | None = None,
    problems: list[str] | None = None,
) -> InstanceStatus:
    """What an instance says; each of its partitions has a lag of 2."""
    owned = [
        PartitionStatus(topic=TOPIC, partition=number, next_offset=10, lag=2)
        for number in partitions or []
    ]
    return InstanceStatus(
        instance_id=name,
        service="s",
        version="1",
        pid=1,
        started_at="",
        ready=not problems,
        problems=problems or [],
        notices=[],
        partitions=owned,
        lag=2 * len(owned),
        lanes=lanes or [],
        records_total=0,
        records_per_second=1.5,
    )


def lane(number: int, owner: str | None = None) -> LaneView:
    """A lane where nothing waits."""
    return LaneView(
        lane=number, owner=owner, owned=bool(owner), segments=0, events=0, oldest_seconds=None
    )


def read(
    *rows: InstanceRow, positions: dict[tuple[str, int], int] | None = None, dead: int = 0
) -> Read:
    """What the database has."""
    return Read(
        instances=list(rows),
        instances_left_out=0,
        positions=positions or {},
        relay=Relay(lanes=[lane(0), lane(1)], events=0, more=False),
        letters=Letters(counts=[], dead=dead, more=False),
        topics=[],
        changes=[],
        settled=[],
        fills=None,
    )
