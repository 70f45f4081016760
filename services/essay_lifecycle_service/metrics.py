"""What the service adds to the runtime's metrics: what became of claims, and what the sweep saw."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from prometheus_client import CollectorRegistry, Counter, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_MEANINGS = {
    "pending_oldest_seconds": "Age of the oldest content or failure that waits for a slot or for its"
    " batch; by the instance that swept last.",
    "batches_stuck": "Registered batches with open slots for which something has waited for more than"
    " 5 minutes; by the instance that swept last.",
    "batches_past_deadline": "Open batches whose deadline passed more than a minute ago without a"
    " timeout; by the instance that swept last.",
}


class OutcomeMetrics:
    """What became of claims and batches, counted once it is committed."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.slots_taken_total = Counter(
            "rollcall_slots_taken",
            "Slots taken, by what took them (content, failure).",
            ["by"],
            registry=registry,
        )
        self.excess_total = Counter(
            "rollcall_excess",
            "Contents and failures for which no slot was left.",
            registry=registry,
        )
        self.batches_completed_total = Counter(
            "rollcall_batches_completed", "Batches completed and announced.", registry=registry
        )


@dataclass(slots=True, frozen=True)
class Ages:
    """What waits, and for how long."""

    pending_oldest_seconds: float
    batches_stuck: int
    batches_past_deadline: int


class SweepMetrics(Collector):
    """Gauges that have a value only while it is this instance's to tell."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ages: Ages | None = None
        registry.register(self)

    def report(self, ages: Ages) -> None:
        """Tell these until the next report, or until another instance sweeps."""
        self._ages = ages

    def clear(self) -> None:
        """Tell nothing: another instance knows better now."""
        self._ages = None

    def collect(self) -> Iterator[Metric]:
        """The gauges, without samples if there is nothing to tell."""
        for field in fields(Ages):
            family = GaugeMetricFamily(f"rollcall_{field.name}", _MEANINGS[field.name])
            if self._ages is not None:
                family.add_metric([], getattr(self._ages, field.name))
            yield family
