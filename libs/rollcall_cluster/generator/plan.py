"""What to generate. The same plan gives the same records, byte for byte."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from rollcall_cluster.generator.errors import ImpossiblePlanError
from rollcall_events import MAX_ESSAYS_PER_BATCH

MAX_RECORDS_PER_BATCH = 10_000_000
MAX_SKEW = 3.0


class KeyStrategy(StrEnum):
    """What producers use as the key of their records."""

    BATCH = "batch"
    FILE = "file"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Bursts:
    """Traffic that comes in gusts: everything of `period_seconds` within its first `busy_share`."""

    period_seconds: float
    busy_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A stream of upstream events.

    Shares are ratios, 0.05 for one in twenty: `duplicates` and `malformed` are records beside the
    others, for each of them; `excess` is contents beyond the slots, for each slot; `failures` is the
    part of the slots taken by a validation failure; `early` the part of the contents sent before
    their batch's registration. `slots` is the average of a batch; `skew` spreads the sizes (0: all
    equal; 1: most small, a few large). `rate` is in records a second, None for as fast as possible.
    `batches_in_flight` are mixed with one another.
    """

    seed: int
    batches: int = 20
    slots: int = 50
    rate: float | None = None
    duplicates: float = 0.0
    excess: float = 0.0
    failures: float = 0.0
    early: float = 0.0
    malformed: float = 0.0
    skew: float = 0.0
    key: KeyStrategy = KeyStrategy.BATCH
    bursts: Bursts | None = None
    batches_in_flight: int = 200
    begins_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        """Refuse what cannot be generated.

        Raises:
            ImpossiblePlanError: naming the knob, its value and its range.
        """
        _within("batches", self.batches, 1, 10**9)
        _within("slots", self.slots, 1, MAX_ESSAYS_PER_BATCH)
        _within("batches_in_flight", self.batches_in_flight, 1, 10**6)
        for name in ("failures", "early"):
            _within(name, getattr(self, name), 0, 1)
        for name in ("duplicates", "excess", "malformed"):
            _within(name, getattr(self, name), 0, 1_000)
        _within("skew", self.skew, 0, MAX_SKEW)
        if self.rate is not None:
            _within("rate", self.rate, 0.001, 10**9)
        slots = self.slots if self.skew == 0 else MAX_ESSAYS_PER_BATCH
        records = slots * (1 + self.excess) * (1 + self.duplicates) * (1 + self.malformed)
        if records > MAX_RECORDS_PER_BATCH:
            raise ImpossiblePlanError(
                f"a batch could have {records:,.0f} records; at most {MAX_RECORDS_PER_BATCH:,} are"
                " possible: lower slots, excess, duplicates or malformed"
            )


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ImpossiblePlanError(f"{name} is {value}; it has to be between {least} and {most:,}")
