"""The targets of speed, ours beside those that are customary for systems of this kind."""

from dataclasses import dataclass

from rollcall_cluster.scenarios.verdicts import Bound, Comparison, Row


@dataclass(frozen=True, slots=True)
class Target:
    """A figure's name and unit, and what it should be."""

    name: str
    unit: str
    ours: Bound
    customary: Bound

    def row(self, measured: float | None, detail: str = "", not_measured: str = "") -> Row:
        """The figure beside it."""
        return Row(
            self.name,
            measured,
            self.unit,
            self.ours,
            self.customary,
            not_measured=not_measured,
            detail=detail,
        )


def _below(ours: float, customary: float) -> tuple[Bound, Bound]:
    return Bound(Comparison.BELOW, ours), Bound(Comparison.BELOW, customary)


def _at_least(ours: float, customary: float) -> tuple[Bound, Bound]:
    return Bound(Comparison.AT_LEAST, ours), Bound(Comparison.AT_LEAST, customary)


REDIS_P95 = Target("Redis operations, P95", " ms", *_below(10, 100))
DATABASE_MEAN = Target("database operations, mean", " ms", *_below(20, 200))
COORDINATION_P95 = Target(
    "content produced -> slot event readable at 1,000 events/s, P95", " ms", *_below(100, 1000)
)
SUCCESS = Target("contents with the right outcome", " %", *_at_least(100, 95))
SCALING = {
    3: Target("3 instances over 1, equal CPU quotas", "x", *_at_least(2.9, 1.5)),
    5: Target("5 instances over 1, equal CPU quotas", "x", *_at_least(4.6, 2.0)),
}
MEMORY_GROWTH = Target(
    "peak memory, batches of 1,000 slots over batches of 10", " %", *_below(5, 100)
)
