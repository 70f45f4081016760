"""Seconds for n events as a fixed part and a part for each event. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]
"""Number of events, seconds."""


@dataclass(frozen=True, slots=True)
class Line:
    """Cost in seconds: `fixed` for each chunk or transaction, `each` for each event of it."""

    fixed: float
    each: float

    def seconds(self, events: float) -> float:
        """Time for so many events at once."""
        return self.fixed + self.each * events

    def us_per_event(self, events: float) -> float:
        """Microseconds for each of so many events at once."""
        return 1e6 * self.seconds(events) / events


def fit(points: Sequence[Point]) -> Line:
    """Least squares of relative errors, so that small chunks count as much as large ones.

    Neither part can be negative: where the best line would have such a part, it is zero.

    Raises:
        ValueError: fewer than two different numbers of events.
    """
    if len({events for events, _ in points}) < 2:
        raise ValueError("a line needs measurements of at least two sizes")
    weights = [1 / seconds**2 for _, seconds in points]
    w = sum(weights)
    wx = sum(k * x for k, (x, _) in zip(weights, points, strict=True))
    wy = sum(k * y for k, (_, y) in zip(weights, points, strict=True))
    wxx = sum(k * x * x for k, (x, _) in zip(weights, points, strict=True))
    wxy = sum(k * x * y for k, (x, y) in zip(weights, points, strict=True))
    each = (w * wxy - wx * wy) / (w * wxx - wx * wx)
    fixed = (wy - each * wx) / w
    if fixed < 0:
        return Line(0.0, wxy / wxx)
    if each < 0:
        return Line(wy / w, 0.0)
    return Line(fixed, each)
