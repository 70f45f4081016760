"""What wants a slot, and which wants are the same."""

import uuid
from collections.abc import Sequence
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from essay_lifecycle_service.domain.claims import (
    Claim,
    claim_of_content,
    claim_of_failure,
    distinct,
)
from tests.db.events import content, failure
from tests.unit.essay_lifecycle.strategies import claims

BATCH = UUID(int=1)
CORRELATION = uuid.uuid4()


@given(st.lists(claims, max_size=30))
def test_each_claim_remains_once(given_claims: Sequence[Claim]) -> None:
    keys = [claim.key for claim in distinct(given_claims)]
    assert len(keys) == len(set(keys))
    assert set(keys) == {claim.key for claim in given_claims}


@given(st.lists(claims, max_size=30))
def test_the_first_of_equal_claims_remains_in_order_of_arrival(
    given_claims: Sequence[Claim],
) -> None:
    left = list(given_claims)
    for claim in distinct(given_claims):
        assert claim is left[0]
        left = [other for other in left if other.key != claim.key]
    assert left == []


@given(st.lists(claims, max_size=30))
def test_what_is_distinct_stays_as_it_is(given_claims: Sequence[Claim]) -> None:
    once = distinct(given_claims)
    assert distinct(once) == once


def test_contents_are_told_apart_by_their_text() -> None:
    one = claim_of_content(content(BATCH, "text", file_upload_id="one"), CORRELATION)
    two = claim_of_content(content(BATCH, "text", file_upload_id="two"), CORRELATION)
    assert one.key == two.key


def test_failures_are_told_apart_by_their_file() -> None:
    one = claim_of_failure(failure(BATCH, "file", validation_error_detail="a"), CORRELATION)
    two = claim_of_failure(failure(BATCH, "file", validation_error_detail="b"), CORRELATION)
    assert one.key == two.key


def test_a_content_and_a_failure_of_one_file_are_two_claims() -> None:
    one = claim_of_content(content(BATCH, "same", file_upload_id="same"), CORRELATION)
    two = claim_of_failure(failure(BATCH, "same"), CORRELATION)
    assert one.key != two.key


def test_the_same_content_in_two_batches_is_two_claims() -> None:
    one = claim_of_content(content(BATCH, "text"), CORRELATION)
    two = claim_of_content(content(UUID(int=2), "text"), CORRELATION)
    assert one.key != two.key


def test_a_content_claims_without_an_error_and_a_failure_with_one() -> None:
    """The schema relies on it: a claim is a failure exactly when it has an error code."""
    of_content = claim_of_content(content(BATCH, "text"), CORRELATION)
    of_failure = claim_of_failure(failure(BATCH, "file"), CORRELATION)
    assert (of_content.validation_error_code, of_content.validation_error_detail) == (None, None)
    assert of_failure.validation_error_code == "EMPTY_CONTENT"
    assert of_failure.validation_error_detail == "no text found"
