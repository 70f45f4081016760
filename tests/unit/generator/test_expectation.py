"""What a plan says of the service is what a service in a few lines comes to."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import orjson
from hypothesis import given

from rollcall_cluster.generator import Kind, Plan, Range, expect
from rollcall_cluster.generator.record import CONTENTS, REGISTRATIONS
from tests.unit.generator.plans import plan, plans, records_of


@dataclass
class Batch:
    """One batch of the small service; takes whatever comes first."""

    slots: int | None = None
    waiting: list[tuple[str, str]] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    filled: int = 0
    failed: int = 0
    excess: int = 0

    def take(self, topic: str, data: dict[str, Any]) -> None:
        if topic == REGISTRATIONS:
            self.slots = data["expected_essay_count"]
        else:
            identity = (topic, data["file_upload_id"])
            if identity not in self.seen:
                self.seen.add(identity)
                self.waiting.append(identity)
        while self.slots is not None and self.waiting:
            self._place(self.waiting.pop(0)[0])

    def _place(self, topic: str) -> None:
        full = self.filled + self.failed == self.slots
        if topic == CONTENTS:
            self.excess += full
            self.filled += not full
        else:
            self.failed += not full


def outcome(a_plan: Plan) -> list[Batch]:
    batches: dict[str, Batch] = defaultdict(Batch)
    for record in records_of(a_plan):
        if record.kind is not Kind.MALFORMED:
            data = orjson.loads(record.value or b"")["data"]
            batches[data["batch_id"]].take(record.topic, data)
    return list(batches.values())


@given(plans)
def test_expectation_holds(a_plan: Plan) -> None:
    """Every batch completes, and each count is within its bounds."""
    batches, expected = outcome(a_plan), expect(a_plan)
    assert len(batches) == expected.completions
    assert all(batch.filled + batch.failed == batch.slots for batch in batches)
    assert sum(batch.slots or 0 for batch in batches) == expected.slots
    for counted, bounds in (
        (sum(batch.filled for batch in batches), expected.slots_filled),
        (sum(batch.failed for batch in batches), expected.slots_failed),
        (sum(batch.excess for batch in batches), expected.excess_contents),
        (sum(batch.failed > 0 for batch in batches), expected.batches_with_errors),
    ):
        assert bounds.least <= counted <= bounds.most


def test_expectation_is_exact_without_a_race() -> None:
    """Failures alone, or excess alone, leave nothing to chance."""
    failing = expect(plan(batches=10, slots=10, failures=0.1))
    assert failing.slots_filled == Range(90, 90)
    assert failing.slots_failed == Range(10, 10)
    assert failing.excess_contents == Range(0, 0)
    crowded = expect(plan(batches=10, slots=10, excess=0.5))
    assert crowded.slots_filled == Range(100, 100)
    assert crowded.excess_contents == Range(50, 50)


def test_ranges_read_well() -> None:
    """One number if it is one."""
    assert str(Range(1_000, 1_000)) == "1,000"
    assert str(Range(0, 3)) == "0 to 3"
