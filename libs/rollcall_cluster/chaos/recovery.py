"""When a deployment was itself again after a fault, from what was seen outside. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

RATE_WINDOW_SECONDS = 2.0
RECOVERED_SHARE = 0.95
"""Of the rate before the fault."""
_WAITING_SECONDS = 0.5
_BEHIND_SECONDS = 1.0
"""Work that waits, as seconds of load: below the first, a low rate means that nothing more came; above
the second, the backlog of a fault is not worked off."""


@dataclass(frozen=True, slots=True)
class Point:
    """Kafka's ends and PostgreSQL's positions at one moment, each summed; None: it did not answer."""

    at: float  # seconds
    produced: int | None
    handled: int | None

    @property
    def lag(self) -> int | None:
        """Records that wait; None if unknown."""
        if self.produced is None or self.handled is None:
            return None
        return max(self.produced - self.handled, 0)


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds from `since`; None: not within what was seen."""

    rate_seconds: float | None
    """Until the rate was back at 95 % of what it was."""
    backlog_seconds: float | None
    """Until less than a second of load was waiting."""


def rate_at(points: Sequence[Point], index: int) -> float | None:
    """Records a second handled over the two seconds before a point; None if unknown."""
    here = points[index]
    if here.handled is None:
        return None
    for earlier in reversed(points[:index]):
        if earlier.handled is not None and here.at - earlier.at >= RATE_WINDOW_SECONDS:
            return (here.handled - earlier.handled) / (here.at - earlier.at)
    return None


def rate_between(points: Sequence[Point], begin: float, end: float) -> float:
    """Average rate handled over a span, from the points inside; 0 if they do not tell."""
    known = [(p.at, p.handled) for p in points if p.handled is not None and begin <= p.at <= end]
    if len(known) < 2:
        return 0.0
    (first_at, first), (last_at, last) = known[0], known[-1]
    return (last - first) / (last_at - first_at)


def is_slow(points: Sequence[Point], index: int, rate_before: float) -> bool:
    """Tell whether work waits and is done more slowly than before, or nobody knows."""
    lag, rate = points[index].lag, rate_at(points, index)
    if lag is None or rate is None:
        return True
    return lag > rate_before * _WAITING_SECONDS and rate < rate_before * RECOVERED_SHARE


def is_behind(points: Sequence[Point], index: int, rate_before: float) -> bool:
    """Tell whether more than a second of load waits, or nobody knows."""
    lag = points[index].lag
    return lag is None or lag > rate_before * _BEHIND_SECONDS


def is_calm(points: Sequence[Point], rate_before: float, seconds: float) -> bool:
    """Tell whether the last `seconds` show nothing of a fault."""
    if not points or points[-1].at - points[0].at < seconds:
        return False
    recent = [i for i, point in enumerate(points) if point.at >= points[-1].at - seconds]
    return not any(
        is_slow(points, i, rate_before) or is_behind(points, i, rate_before) for i in recent
    )


def recovery(points: Sequence[Point], since: float, rate_before: float) -> Recovery:
    """Measure a recovery; `points` begin before `since` and end when calm was seen or given up."""
    return Recovery(
        rate_seconds=_until_last(points, since, lambda i: is_slow(points, i, rate_before)),
        backlog_seconds=_until_last(points, since, lambda i: is_behind(points, i, rate_before)),
    )


def _until_last(
    points: Sequence[Point], since: float, disturbed: Callable[[int], bool]
) -> float | None:
    """Seconds until the first point after the last disturbed one; None if that is the last point."""
    bad = [i for i, point in enumerate(points) if point.at >= since and disturbed(i)]
    if not bad:
        return 0.0
    if bad[-1] == len(points) - 1:
        return None
    return round(points[bad[-1] + 1].at - since, 2)
