"""Targets against measurements. Pure; what is measured comes from files, never from here.

A measurement file holds `figures`: by name, the values of its rounds. A target names one figure, or
two whose ratio counts; where several are named in the denominator, the best of them does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.summary import Summary, summarise

Figures = Mapping[str, Mapping[str, Sequence[float]]]
"""By benchmark, then by figure, the values of the rounds."""


class Bound(StrEnum):
    """Which side of the target is good."""

    AT_LEAST = "≥"
    BELOW = "<"
    KNOWN = "-"
    """It only has to be measured."""


@dataclass(frozen=True, slots=True)
class Target:
    """One row of the table.

    Attributes:
        figure: `benchmark/figure`.
        over: figures of which the largest divides.
        unit: after the number; "x" for ratios.
    """

    what: str
    figure: str
    bound: Bound
    limit: float = 0.0
    unit: str = ""
    digits: int = 0
    over: tuple[str, ...] = ()
    scale: float = 1.0

    @property
    def stated(self) -> str:
        """The target as text."""
        if self.bound is Bound.KNOWN:
            return "measured"
        return f"{self.bound} {self.shown(self.limit)}"

    def shown(self, value: float) -> str:
        """A value with its unit."""
        return f"{value:,.{self.digits}f}{self.unit}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target and what was measured; `measured` is None if nothing was."""

    target: Target
    measured: Summary | None

    @property
    def reached(self) -> bool | None:
        """By the median; None without a measurement or without a limit."""
        if self.measured is None or self.target.bound is Bound.KNOWN:
            return None
        if self.target.bound is Bound.AT_LEAST:
            return self.measured.median >= self.target.limit
        return self.measured.median < self.target.limit

    @property
    def row(self) -> tuple[str, str, str, str]:
        """What, target, measured, verdict."""
        if self.measured is None:
            return (self.target.what, self.target.stated, "-", "not measured")
        shown = self.target.shown
        measured = shown(self.measured.median)
        if self.measured.lowest != self.measured.highest:
            measured += f" ({shown(self.measured.lowest)} to {shown(self.measured.highest)})"
        words = {True: "reached", False: "missed", None: "measured"}
        return (self.target.what, self.target.stated, measured, words[self.reached])


def judge(targets: Sequence[Target], figures: Figures) -> list[Verdict]:
    """Each target with its measurement."""
    return [Verdict(target, _measured(target, figures)) for target in targets]


def _measured(target: Target, figures: Figures) -> Summary | None:
    values = _values(target.figure, figures)
    divisors = [
        summarise(found).median for name in target.over if (found := _values(name, figures))
    ]
    if not values or len(divisors) < bool(target.over):
        return None
    divisor = max(divisors, default=1.0)
    return summarise([target.scale * value / divisor for value in values]) if divisor else None


def _values(name: str, figures: Figures) -> Sequence[float]:
    benchmark, _, figure = name.partition("/")
    return figures.get(benchmark, {}).get(figure, ())
