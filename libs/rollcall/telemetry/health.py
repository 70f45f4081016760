"""Readiness from progress, not from being up. Pure: the clock is an argument."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

_LAG_KNOWN_SECONDS = 5.0


@dataclass(slots=True)
class Progress:
    """When work was last seen to move, against how much of it waits."""

    stall_seconds: float
    clock: Callable[[], float] = monotonic
    lag_records: int = 0
    last_moved: float = field(init=False)
    lag_known_at: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.last_moved = self.clock()

    def moved(self) -> None:
        """A chunk committed."""
        self.last_moved = self.clock()

    def report_lag(self, records: int) -> None:
        """The number of records that wait, as the broker tells it apart from the fetcher."""
        if records == 0 or self.lag_records == 0:
            self.last_moved = self.clock()
        self.lag_records = records
        self.lag_known_at = self.clock()

    @property
    def lag_is_known(self) -> bool:
        """Whether the broker told the lag within the last seconds."""
        return (
            self.lag_known_at is not None and self.clock() - self.lag_known_at < _LAG_KNOWN_SECONDS
        )

    @property
    def age_seconds(self) -> float:
        """Time since something moved or there was nothing to move."""
        return self.clock() - self.last_moved

    def problems(self) -> list[str]:
        """Why this instance is not ready, in words; empty when it is."""
        if self.lag_known_at is None:
            return []
        found = []
        if self.lag_records > 0 and self.age_seconds > self.stall_seconds:
            found.append(
                f"stalled: {self.lag_records} records wait, none for {self.age_seconds:.0f} s"
            )
        if (silence := self.clock() - self.lag_known_at) > self.stall_seconds:
            found.append(f"blind: Kafka has not told the ends of the logs for {silence:.0f} s")
        return found


@dataclass(slots=True)
class Health:
    """Collects the problems of every component that has an opinion."""

    sources: list[Callable[[], Sequence[str]]] = field(default_factory=list)
    notice_sources: list[Callable[[], Sequence[str]]] = field(default_factory=list)
    started: bool = False

    def add(self, source: Callable[[], Sequence[str]]) -> None:
        """Ask `source` for its problems from now on."""
        self.sources.append(source)

    def add_notices(self, source: Callable[[], Sequence[str]]) -> None:
        """Ask `source` for what operators should know and what is no reason to send work elsewhere."""
        self.notice_sources.append(source)

    def notices(self) -> list[str]:
        """What is not as usual and yet no problem of this instance."""
        return [notice for source in self.notice_sources for notice in source()]

    def problems(self) -> list[str]:
        """Everything that speaks against sending work here."""
        found = [problem for source in self.sources for problem in source()]
        return found if self.started else ["starting", *found]
