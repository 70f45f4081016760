"""Event ids are a function of what happened."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from rollcall_events import dead_letter_event_id, deterministic_event_id

BATCH = UUID("5b0f6a0e-3c1d-4f7e-9a51-2d6c8f0b7e11")
kinds = st.text("abcXYZ019", min_size=1)


def test_ids_do_not_change_between_releases() -> None:
    """Consumers remember ids for ever: these two are pinned."""
    assigned = deterministic_event_id("EssaySlotAssignedV1", BATCH, "text-0000")
    letter = dead_letter_event_id("essay-lifecycle-service", "in.v1", 3, 41_207)
    assert assigned == UUID("0181907d-360e-5831-b21a-265ac17f691e")
    assert letter == UUID("bbaa257c-904b-5d5b-8a5f-6e58b0aefe7b")


@given(kinds, kinds, st.uuids(), st.uuids(), st.text(), st.text())
def test_different_happenings_have_different_ids(
    kind: str, other_kind: str, batch: UUID, other_batch: UUID, content: str, other: str
) -> None:
    """Ids are equal exactly when kind, batch and content are."""
    same = (kind, batch, content) == (other_kind, other_batch, other)
    first = deterministic_event_id(kind, batch, content)
    assert (first == deterministic_event_id(other_kind, other_batch, other)) is same


def test_each_record_and_group_has_its_dead_letter() -> None:
    """Two groups that refuse one record, or one group two records, write different letters."""
    places = [
        ("g", "t", 0, 1),
        ("h", "t", 0, 1),
        ("g", "u", 0, 1),
        ("g", "t", 1, 1),
        ("g", "t", 0, 11),
    ]
    assert len({dead_letter_event_id(*place) for place in places}) == len(places)
