"""What a correct service makes of a plan."""

from dataclasses import dataclass

from rollcall_cluster.generator.malformed import ends_as_dead_letter, malformation
from rollcall_cluster.generator.plan import Plan
from rollcall_cluster.generator.sizing import BatchSize, batch_sizes


@dataclass(frozen=True, slots=True)
class Range:
    """At least and at most. They differ when failures and excess contents race for the last slots."""

    least: int
    most: int

    def __add__(self, other: "Range") -> "Range":
        return Range(self.least + other.least, self.most + other.most)

    def __str__(self) -> str:
        """Write one number if it is one."""
        exact = self.least == self.most
        return f"{self.least:,}" if exact else f"{self.least:,} to {self.most:,}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """The state a service has to reach once it has handled everything."""

    records: int
    batches: int
    slots: int
    slots_filled: Range
    slots_failed: Range
    excess_contents: Range
    completions: int
    batches_with_errors: Range
    dead_letters: int
    skipped: int


def expect(plan: Plan) -> Expectation:
    """Work out what a plan leads to, by its arithmetic alone."""
    none = Range(0, 0)
    records = slots = malformed = 0
    filled = failed = excess = with_errors = none
    for size in batch_sizes(plan):
        records += size.records
        slots += size.slots
        malformed += size.malformed
        batch_filled = _filled(size)
        batch_failed = Range(size.slots - batch_filled.most, size.slots - batch_filled.least)
        filled += batch_filled
        failed += batch_failed
        excess += Range(size.contents - batch_filled.most, size.contents - batch_filled.least)
        with_errors += Range(min(1, batch_failed.least), min(1, batch_failed.most))
    dead = sum(ends_as_dead_letter(malformation(number)) for number in range(malformed))
    return Expectation(
        records=records,
        batches=plan.batches,
        slots=slots,
        slots_filled=filled,
        slots_failed=failed,
        excess_contents=excess,
        completions=plan.batches,
        batches_with_errors=with_errors,
        dead_letters=dead,
        skipped=malformed - dead,
    )


def _filled(size: BatchSize) -> Range:
    """Bound the slots that contents fill: whoever comes too late, contents or failures, gets none."""
    return Range(max(0, size.slots - size.failures), min(size.slots, size.contents))
