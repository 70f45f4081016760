"""Puts together what the database has and what the instances say. Pure."""

from collections.abc import Iterable, Mapping

from rollcall.console.documents import InstanceState, InstanceView, Partition, Relay, Totals
from rollcall.console.reader import InstanceRow, Read
from rollcall.http import InstanceStatus

Said = Mapping[str, InstanceStatus]


def instance_views(
    rows: Iterable[InstanceRow], said: Said, lost_after_seconds: float
) -> list[InstanceView]:
    """Every instance that was heard of lately; lost ones come last."""
    views = [_view(row, said.get(row.instance_id), lost_after_seconds) for row in rows]
    return sorted(views, key=lambda view: view.state == "lost")


def _view(
    row: InstanceRow, status: InstanceStatus | None, lost_after_seconds: float
) -> InstanceView:
    state = _state(row, status, lost_after_seconds)
    view = InstanceView(
        instance_id=row.instance_id,
        host=row.host,
        pid=row.pid,
        http_url=row.http_url,
        started_at=row.started_at,
        silence_seconds=int(row.silence_seconds),
        state=state,
        problems=[f"no heartbeat for more than {lost_after_seconds:.0f} s"]
        if state == "lost"
        else [],
    )
    if status is None:
        return view
    return view.model_copy(
        update={
            "problems": status.problems,
            "notices": status.notices,
            "partitions": len(status.partitions),
            "lag": status.lag,
            "records_per_second": status.records_per_second,
            "lanes": status.lanes,
        }
    )


def _state(
    row: InstanceRow, status: InstanceStatus | None, lost_after_seconds: float
) -> InstanceState:
    if status is None:
        return "lost" if row.silence_seconds > lost_after_seconds else "unreachable"
    if status.ready:
        return "ready"
    return "starting" if status.problems == ["starting"] else "not_ready"


def partition_views(positions: Mapping[tuple[str, int], int], said: Said) -> list[Partition]:
    """Every partition that has a position or an owner; what its owner says comes first."""
    found = {
        place: Partition(
            topic=place[0], partition=place[1], owner=None, next_offset=offset, lag=None
        )
        for place, offset in positions.items()
    }
    for instance_id, status in said.items():
        for owned in status.partitions:
            found[owned.topic, owned.partition] = Partition(
                topic=owned.topic,
                partition=owned.partition,
                owner=instance_id,
                next_offset=owned.next_offset,
                lag=owned.lag,
            )
    return [found[place] for place in sorted(found)]


def relay_view(relay: Relay, said: Said) -> Relay:
    """The lanes with their owners, as the instances say."""
    owners = {lane: name for name, status in said.items() for lane in status.lanes}
    lanes = [lane.model_copy(update={"owner": owners.get(lane.lane)}) for lane in relay.lanes]
    return relay.model_copy(update={"lanes": lanes})


def totals(
    instances: list[InstanceView], partitions: list[Partition], rate: float | None
) -> Totals:
    """The whole service; its lag is known once every partition has an owner that tells."""
    lags = [partition.lag for partition in partitions]
    known = [lag for lag in lags if lag is not None]
    return Totals(
        instances=sum(instance.state != "lost" for instance in instances),
        ready=sum(instance.state == "ready" for instance in instances),
        lag=sum(known) if len(known) == len(lags) else None,
        records_per_second=rate,
    )


def rate(before: Read, after: Read, seconds: float) -> float | None:
    """Records a second between two rounds, of the partitions known in both."""
    if seconds <= 0:
        return None
    moved = sum(
        max(0, offset - before.positions[place])
        for place, offset in after.positions.items()
        if place in before.positions
    )
    return round(moved / seconds, 1)
