"""How many slots of each batch were taken, in the order in which batches are locked."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from essay_lifecycle_service.domain.placement import Taken, count_by_batch
from tests.unit.essay_lifecycle.strategies import taken


@given(st.lists(taken, max_size=30))
def test_every_taken_slot_is_counted_once_for_its_batch_and_kind(
    given_taken: Sequence[Taken],
) -> None:
    counted = {
        key: count
        for item in count_by_batch(given_taken)
        for key, count in [
            ((item.batch_id, "content"), item.filled),
            ((item.batch_id, "failure"), item.failed),
        ]
        if count
    }
    assert counted == Counter((item.claim.batch_id, item.claim.kind) for item in given_taken)


@given(st.lists(taken, max_size=30))
def test_batches_come_once_each_in_sorted_order(given_taken: Sequence[Taken]) -> None:
    """All transactions lock batch rows in this order, so that they cannot deadlock on them."""
    batches = [item.batch_id for item in count_by_batch(given_taken)]
    assert batches == sorted(set(batches))
