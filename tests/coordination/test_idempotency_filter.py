"""Marks of what is committed."""

from uuid import uuid4

import pytest

from rollcall.coordination import Coordination, id_of
from tests.eventually import eventually


async def test_what_is_marked_is_found_with_its_note_and_nothing_else(
    program: Coordination,
) -> None:
    marks = program.idempotency_filter("events")
    ids = [uuid4().bytes for _ in range(2500)]
    await marks.mark({id_: b"note-%04d" % n for n, id_ in enumerate(ids) if n % 2})
    found = await marks.look_up(ids)
    assert found == {id_: b"note-%04d" % n for n, id_ in enumerate(ids) if n % 2}
    assert await marks.look_up([]) == {}


async def test_notes_of_several_calls_may_have_several_lengths(program: Coordination) -> None:
    marks = program.idempotency_filter("events")
    notes = {id_of(f"{n}"): b"\r\n" * n for n in range(5)}
    for id_, note in notes.items():
        await marks.mark({id_: note})
    assert await marks.look_up([*notes, id_of("other")]) == notes


async def test_ids_and_notes_of_other_lengths_are_refused(program: Coordination) -> None:
    marks = program.idempotency_filter("events")
    with pytest.raises(ValueError, match="16 bytes"):
        await marks.mark({b"short": b"note"})
    with pytest.raises(ValueError, match="16 bytes"):
        await marks.look_up([bytes(15), bytes(17)])
    with pytest.raises(ValueError, match="same length"):
        await marks.mark({id_of("a"): b"one", id_of("b"): b"other"})


async def test_the_newest_marks_are_kept_up_to_the_limit(program: Coordination) -> None:
    marks = program.idempotency_filter("events", max_ids=2500)
    calls = [[id_of(f"{call}-{n}") for n in range(1000)] for call in range(6)]
    for ids in calls:
        await marks.mark(dict.fromkeys(ids, b"note"))
    kept = [len(await marks.look_up(ids)) for ids in calls]
    assert kept == [0, 0, 0, 0, 1000, 1000]


async def test_marking_the_same_again_and_again_takes_no_more_room(program: Coordination) -> None:
    marks = program.idempotency_filter("events", max_ids=1000)
    ids = [id_of(f"{n}") for n in range(100)]
    for _ in range(30):
        await marks.mark(dict.fromkeys(ids, b"note"))
    order = program.keys.of("marks-order", "events")
    assert await program.server.command("LLEN", order) == 10
    assert len(await marks.look_up(ids)) == 100


async def test_a_lower_limit_is_reached_call_by_call(program: Coordination) -> None:
    many = program.idempotency_filter("events", max_ids=20_000)
    await many.mark({id_of(f"{n}"): b"" for n in range(20_000)})
    fewer = program.idempotency_filter("events", max_ids=5000)
    key = program.keys.of("marks", "events")
    sizes = []
    for call in range(16):
        await fewer.mark({id_of(f"{call}-{n}"): b"" for n in range(1000)})
        sizes.append(await program.server.command("HLEN", key) - 1)
    assert sizes[:2] == [19_000, 18_000]
    assert sizes[-1] == 5000


async def test_marks_end_with_their_time(program: Coordination) -> None:
    """Each of them, though later ones are made; and all of them when none are made any more."""
    marks = program.idempotency_filter("events", keep_seconds=1)
    await marks.mark({id_of("early"): b""})

    async def is_forgotten() -> bool:
        await marks.mark({id_of("late"): b""})
        return list(await marks.look_up([id_of("early"), id_of("late")])) == [id_of("late")]

    await eventually(is_forgotten, message="the early mark is forgotten, the late one is not")
    for kind in ("marks", "marks-order"):
        left = await program.server.command("PTTL", program.keys.of(kind, "events"))
        assert left <= 1000


@pytest.mark.parametrize("lost", ["marks", "marks-order"])
async def test_half_of_what_is_kept_is_forgotten_with_the_next_mark(
    program: Coordination, lost: str
) -> None:
    """As a Redis that evicts keys leaves it: it would never be forgotten otherwise."""
    marks = program.idempotency_filter("events")
    await marks.mark({id_of("early"): b""})
    await program.server.command("DEL", program.keys.of(lost, "events"))
    await marks.mark({id_of("late"): b""})
    assert await marks.look_up([id_of("early"), id_of("late")]) == {id_of("late"): b""}
    assert await program.server.command("LLEN", program.keys.of("marks-order", "events")) == 1
