"""Medians, spreads and ratios of repeated measurements. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Summary:
    """The middle and the extremes of repeated measurements."""

    median: float
    lowest: float
    highest: float

    @property
    def spread(self) -> float:
        """Distance of the extremes as a share of the median; 0 for a single measurement."""
        return (self.highest - self.lowest) / self.median if self.median else 0.0


def summarise(values: Sequence[float]) -> Summary:
    """Summarise at least one measurement."""
    return Summary(median(values), min(values), max(values))


def paired_ratios(
    numerators: Mapping[int, float], denominators: Mapping[int, float]
) -> Sequence[float]:
    """Ratios of measurements of the same round, in order; rounds that lack one are left out.

    Rounds are interleaved, so what disturbs the machine for a while disturbs both sides of a ratio.
    """
    rounds = sorted(numerators.keys() & denominators.keys())
    return [numerators[number] / denominators[number] for number in rounds]
