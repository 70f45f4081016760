"""Registrations that say the same have equal digests; any difference shows."""

from uuid import UUID

import pytest
from hypothesis import given

from essay_lifecycle_service.domain.registration import registration_digest
from rollcall_events import BatchEssaysRegisteredV1
from tests.db.events import essay_id, registration
from tests.unit.events.strategies import registrations

BATCH = UUID(int=1)


@given(registrations())
def test_a_registration_read_back_from_its_message_has_the_same_digest(
    original: BatchEssaysRegisteredV1,
) -> None:
    again = BatchEssaysRegisteredV1.model_validate_json(original.model_dump_json())
    assert registration_digest(again) == registration_digest(original)


@given(registrations(), registrations())
def test_digests_are_equal_exactly_when_registrations_are(
    one: BatchEssaysRegisteredV1, two: BatchEssaysRegisteredV1
) -> None:
    assert (registration_digest(one) == registration_digest(two)) == (one == two)


@pytest.mark.parametrize(
    "other",
    [
        registration(UUID(int=2), 2),
        registration(BATCH, 3),
        registration(BATCH, 2, essay_ids=[essay_id(0), "other"]),
        registration(BATCH, 2, essay_ids=[essay_id(1), essay_id(0)]),
        registration(BATCH, 2, course_code="HIS-102"),
        registration(BATCH, 2, essay_instructions=""),
        registration(BATCH, 2, user_id="teacher-18"),
    ],
)
def test_every_field_of_a_registration_counts(other: BatchEssaysRegisteredV1) -> None:
    assert registration_digest(other) != registration_digest(registration(BATCH, 2))


def test_a_digest_is_the_same_in_every_release() -> None:
    """It is stored: another one would turn every repetition into a contradiction."""
    expected = "ed26f38c4366ffc04c3d109ba6c25f2d9ebd19b9a33e40ec798c0871cbcea455"
    assert registration_digest(registration(BATCH, 2)).hex() == expected


def test_an_optional_field_added_later_leaves_digests_as_they_are() -> None:
    class NextRelease(BatchEssaysRegisteredV1):
        due_date: str | None = None

    later = NextRelease.model_validate(registration(BATCH, 2).model_dump())
    assert registration_digest(later) == registration_digest(registration(BATCH, 2))
