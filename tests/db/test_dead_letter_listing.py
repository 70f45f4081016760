"""What an operator sees of dead letters."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollcall.dead_letters.letter import LetterFilter
from rollcall.errors import DeadLetterError
from tests.db.dead_letters import TOPIC, bury, operations, place

NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    "wanted",
    [
        LetterFilter(topic=TOPIC),
        LetterFilter(error_type="PoisonError"),
        LetterFilter(fingerprint="abc"),
        LetterFilter(state="dead"),
        LetterFilter(since=NOW - timedelta(hours=3)),
        LetterFilter(since=NOW - timedelta(hours=3), until=NOW + timedelta(hours=1)),
        LetterFilter(text="CANNOT take"),
        LetterFilter(ids=(place(1), place(99))),
        LetterFilter(topic=TOPIC, error_type="PoisonError", state="dead", text="text-1"),
    ],
)
async def test_each_filter_selects_what_it_says(connection: Any, wanted: LetterFilter):
    await bury(
        connection, 1, error_type="PoisonError", message="cannot take text-1", fingerprint="abc"
    )
    await bury(connection, 2, topic="other", state="discarded", hours_ago=5)
    await bury(connection, 3, topic="other", state="redriven", hours_ago=5, fingerprint="xyz")
    found = await operations(connection).find(wanted, 10)
    assert [letter.id for letter in found] == [place(1)]
    assert sum(count.letters for count in await operations(connection).count(wanted)) == 1


async def test_a_percent_sign_in_the_text_is_a_percent_sign(connection: Any):
    await bury(connection, 1, message="50% full")
    await bury(connection, 2, message="50 full")
    found = await operations(connection).find(LetterFilter(text="50%"), 10)
    assert [letter.id for letter in found] == [place(1)]


async def test_other_consumer_groups_have_dead_letters_of_their_own(connection: Any):
    await bury(connection, 1, group="other")
    assert await operations(connection).find(LetterFilter(), 10) == []


async def test_pages_follow_each_other_without_gap_or_repetition(connection: Any):
    for number in range(7):
        await bury(connection, number // 3, partition=number % 3)
    letters, seen, last = operations(connection), [], None
    while page := await letters.find(LetterFilter(), 2, last):
        seen += [letter.id for letter in page]
        last = seen[-1]
    assert seen == sorted(seen)
    assert len(set(seen)) == 7


async def test_counts_tell_the_most_frequent_error_first(connection: Any):
    for offset in range(3):
        await bury(connection, offset, error_type="KeyError", fingerprint="abc")
    await bury(connection, 3, error_type="malformed")
    counts = await operations(connection).count(LetterFilter())
    assert [(c.error_type, c.stack_fingerprint, c.state, c.letters) for c in counts] == [
        ("KeyError", "abc", "dead", 3),
        ("malformed", None, "dead", 1),
    ]


async def test_one_dead_letter_is_shown_whole(connection: Any):
    await bury(
        connection,
        1,
        key=None,
        value=b"\x00\xff",
        headers=[["a", "/wA="], ["b", None]],
        trace=["x"],
    )
    letter = await operations(connection).show(place(1))
    assert (letter.key, letter.value) == (None, b"\x00\xff")
    assert letter.headers == [("a", b"\xff\x00"), ("b", None)]
    assert (letter.bisection_trace, letter.history) == (["x"], [])


async def test_showing_what_is_no_dead_letter_says_so(connection: Any):
    with pytest.raises(DeadLetterError, match="is no dead letter of the group"):
        await operations(connection).show(place(1))
