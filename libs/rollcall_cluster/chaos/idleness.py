"""Finds replicas that say they are ready, own partitions with records waiting, and do nothing. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PartitionName = tuple[str, int]


@dataclass(frozen=True, slots=True)
class IdleReplica:
    """A replica that was silently idle."""

    at: float
    replica: str
    seconds: float
    waiting: int

    def __str__(self) -> str:
        return (
            f"{self.replica} was ready and silently idle for {self.seconds:.0f} s while"
            f" {self.waiting:,} records waited"
        )


@dataclass(slots=True)
class _Stretch:
    positions: Mapping[PartitionName, int]
    since: float
    told: bool = False


@dataclass(slots=True)
class IdleWatch:
    """Compares what replicas say with what Kafka and PostgreSQL say.

    `limit_seconds` is what a replica has to notice a stall by itself, with some grace.
    """

    limit_seconds: float
    found: list[IdleReplica] = field(default_factory=list)
    _stretches: dict[str, _Stretch] = field(default_factory=dict)

    def look(
        self,
        at: float,
        replica: str,
        owned: frozenset[PartitionName],
        positions: Mapping[PartitionName, int],
        ends: Mapping[PartitionName, int],
    ) -> None:
        """Look at a ready replica's partitions at one moment."""
        mine = {partition: positions.get(partition, 0) for partition in owned}
        waiting = sum(max(ends.get(p, 0) - offset, 0) for p, offset in mine.items())
        stretch = self._stretches.get(replica)
        if not waiting or stretch is None or mine != stretch.positions:
            self._stretches[replica] = _Stretch(mine, at)
            return
        seconds = at - stretch.since
        if seconds > self.limit_seconds and not stretch.told:
            stretch.told = True
            self.found.append(IdleReplica(at, replica, seconds, waiting))

    def excuse(self, replica: str) -> None:
        """The replica is not ready, does not answer, or nobody can tell: begin anew."""
        self._stretches.pop(replica, None)
