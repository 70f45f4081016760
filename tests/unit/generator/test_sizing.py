"""The arithmetic of batches."""

from hypothesis import given
from hypothesis import strategies as st

from rollcall_cluster.generator import Plan
from rollcall_cluster.generator.sizing import batch_sizes
from tests.unit.generator.plans import plan, plans


def test_shares_of_small_batches_add_up() -> None:
    """One in a hundred of batches of six is not rounded away: rests are carried over."""
    sizes = list(batch_sizes(plan(batches=1_000, slots=6, failures=0.01, excess=0.02)))
    assert sum(size.failures for size in sizes) == 60
    assert sum(size.slots for size in sizes) == 6_000
    assert sum(size.contents for size in sizes) == 6_000 - 60 + 120


@given(plans)
def test_every_batch_can_complete(a_plan: Plan) -> None:
    """Contents and failures together are enough for the slots, whatever the knobs."""
    for size in batch_sizes(a_plan):
        assert size.slots >= 1
        assert size.contents + size.failures >= size.slots
        assert 0 <= size.early <= size.contents
        assert size.failures <= size.slots


@given(st.integers(0, 10**6))
def test_skew_spreads_sizes_around_the_average(seed: int) -> None:
    """Skewed sizes differ widely, but the plan is not much larger or smaller than asked for."""
    sizes = [size.slots for size in batch_sizes(plan(seed=seed, batches=500, slots=50, skew=0.8))]
    assert 35 < sum(sizes) / len(sizes) < 70
    assert max(sizes) > 150
    assert min(sizes) < 20


def test_malformed_records_are_numbered_through() -> None:
    """Every malformed record of a plan has a number of its own, so that each kind has its turn."""
    sizes = list(batch_sizes(plan(batches=50, malformed=0.1)))
    numbers = [size.malformed_from + n for size in sizes for n in range(size.malformed)]
    assert numbers == list(range(len(numbers)))
    assert numbers
