"""Plans for tests."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from rollcall_cluster.generator import KeyStrategy, Plan, Record, RecordStream

BEGINS_AT = datetime(2026, 1, 12, 8, 30, tzinfo=UTC)


def plan(**knobs: Any) -> Plan:
    """A small plan that begins at a fixed time."""
    return Plan(**({"seed": 1, "batches": 5, "slots": 10, "begins_at": BEGINS_AT} | knobs))


def records_of(a_plan: Plan) -> list[Record]:
    """All records of a plan."""
    return list(RecordStream(a_plan).records())


plans = st.builds(
    plan,
    seed=st.integers(0, 10**6),
    batches=st.integers(1, 6),
    slots=st.integers(1, 12),
    duplicates=st.sampled_from([0.0, 0.1, 0.5, 3.0]),
    excess=st.sampled_from([0.0, 0.05, 0.5, 2.0]),
    failures=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    early=st.sampled_from([0.0, 0.3, 1.0]),
    malformed=st.sampled_from([0.0, 0.05]),
    skew=st.sampled_from([0.0, 0.7]),
    key=st.sampled_from(KeyStrategy),
    batches_in_flight=st.integers(1, 4),
)
