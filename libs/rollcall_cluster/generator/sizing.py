"""How many records of which kind each batch gives: the arithmetic of a plan, batch by batch."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from rollcall_cluster.generator.plan import Plan
from rollcall_events import MAX_ESSAYS_PER_BATCH


@dataclass(frozen=True, slots=True)
class BatchSize:
    """The records of one batch. `malformed_from` counts the malformed records of all batches before."""

    index: int
    slots: int
    contents: int
    failures: int
    early: int
    duplicates: int
    malformed: int
    malformed_from: int

    @property
    def events(self) -> int:
        """Distinct good events: contents, failures and the registration."""
        return self.contents + self.failures + 1

    @property
    def records(self) -> int:
        """Everything that is sent."""
        return self.events + self.duplicates + self.malformed


class _Share:
    """Takes a share of whole numbers, carrying the rest, so that small batches add up to it."""

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self._rest = 0.0

    def of(self, count: int) -> int:
        exact = count * self._ratio + self._rest
        whole = int(exact + 1e-9)
        self._rest = exact - whole
        return whole


def batch_sizes(plan: Plan) -> Iterator[BatchSize]:
    """Give the size of each batch, in order; nothing but running remainders is kept."""
    excess, failures, early = _Share(plan.excess), _Share(plan.failures), _Share(plan.early)
    duplicates, malformed = _Share(plan.duplicates), _Share(plan.malformed)
    malformed_before = 0
    for index, slots in enumerate(_slots(plan)):
        failed = min(slots, failures.of(slots))
        contents = slots - failed + excess.of(slots)
        events = contents + failed + 1
        repeated = duplicates.of(events)
        broken = malformed.of(events + repeated)
        before_registration = min(contents, early.of(contents))
        yield BatchSize(
            index, slots, contents, failed, before_registration, repeated, broken, malformed_before
        )
        malformed_before += broken


def _slots(plan: Plan) -> Iterator[int]:
    """Draw sizes from a log-normal distribution whose mean is the plan's slots."""
    draws = random.Random(f"{plan.seed}/sizes")  # noqa: S311 - reproducible on purpose
    for _ in range(plan.batches):
        factor = draws.lognormvariate(-(plan.skew**2) / 2, plan.skew) if plan.skew else 1.0
        yield max(1, min(MAX_ESSAYS_PER_BATCH, round(plan.slots * factor)))
