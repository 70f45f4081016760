"""What a scenario measured, beside what was asked of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import isclose


class Comparison(StrEnum):
    """How a figure is compared with its target."""

    EXACTLY = "="
    BELOW = "<"
    AT_LEAST = ">="
    AT_MOST = "<="


class Side(StrEnum):
    """Whose targets decide: ours, or those that are customary for systems of this kind."""

    OURS = "ours"
    CUSTOMARY = "customary"


class Verdict(StrEnum):
    """What became of one row. A violation is a wrong result; a missed one, a right result too slowly."""

    REACHED = "reached"
    MISSED = "missed"
    VIOLATED = "violated"
    NOT_MEASURED = "not measured"
    SHOWN = "shown"


@dataclass(frozen=True, slots=True)
class Bound:
    """A target: `< 10`, `>= 2.9`, `= 1`."""

    comparison: Comparison
    value: float

    def holds(self, measured: float) -> bool:
        """Whether a figure reaches it."""
        match self.comparison:
            case Comparison.EXACTLY:
                return isclose(measured, self.value, abs_tol=1e-9)
            case Comparison.BELOW:
                return measured < self.value
            case Comparison.AT_LEAST:
                return measured >= self.value
            case Comparison.AT_MOST:
                return measured <= self.value

    def __str__(self) -> str:
        return f"{self.comparison} {self.value:g}"


def exactly(value: float) -> Bound:
    """No other value will do."""
    return Bound(Comparison.EXACTLY, value)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        ours, customary: what it is compared with; without either it is only shown.
        correctness: a figure that does not hold is a wrong result, and no target makes that good.
        not_measured: why there is no figure, and how there would be one.
        detail: what a reader of the table may want to know beside it.
    """

    name: str
    measured: float | None
    unit: str = ""
    ours: Bound | None = None
    customary: Bound | None = None
    correctness: bool = False
    not_measured: str = ""
    detail: str = ""

    def verdict(self, side: Side) -> Verdict:
        """Against the targets of one side."""
        if self.measured is None:
            return Verdict.NOT_MEASURED
        bound = self.ours if side is Side.OURS else self.customary
        if bound is None:
            return Verdict.SHOWN
        if bound.holds(self.measured):
            return Verdict.REACHED
        return Verdict.VIOLATED if self.correctness else Verdict.MISSED

    def fails(self, side: Side) -> bool:
        """Whether a run with this row is no success: wrong, or slower than that side allows."""
        wrong = self.correctness and Verdict.VIOLATED in (self.verdict(each) for each in Side)
        return wrong or self.verdict(side) is Verdict.MISSED

    @property
    def shown(self) -> str:
        """The figure with its unit."""
        if self.measured is None:
            return "-"
        digits = 0 if float(self.measured).is_integer() or abs(self.measured) >= 1000 else 2
        return f"{self.measured:,.{digits}f}{self.unit}"

    def target(self, side: Side) -> str:
        """The target with its unit."""
        bound = self.ours if side is Side.OURS else self.customary
        return f"{bound}{self.unit}" if bound else "-"


def required(name: str, measured: float, expected: float, detail: str = "") -> Row:
    """A row of correctness: the same is asked by both sides."""
    bound = exactly(expected)
    return Row(name, measured, "", bound, bound, correctness=True, detail=detail)


def worst(values: Iterable[float], expected: float) -> float:
    """Of several repetitions, the one that is farthest from what it should be; `expected` if there is none."""
    return max(values, key=lambda value: abs(value - expected), default=expected)
