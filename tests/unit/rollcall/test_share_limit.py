"""When a topic turns bad: shares over the newest records, judged before a chunk commits."""

from hypothesis import given
from hypothesis import strategies as st

from rollcall.consumer.chunk import Chunk
from rollcall.consumer.outcomes import Tally, count_outcomes, tallies
from rollcall.consumer.records import InputRecord, Partition, Rejected, Skipped
from rollcall.consumer.share_limit import ShareLimit

chunks = st.integers(0, 30).flatmap(
    lambda records: st.builds(Tally, st.just(records), st.integers(0, records))
)
windows = st.integers(1, 60)
shares = st.floats(0, 1)


def accepted(limit: ShareLimit, offered: list[Tally]) -> list[Tally]:
    """What a consumer commits that drops every chunk that exceeds the limit."""
    committed = []
    for chunk in offered:
        if limit.exceeded_by("t", chunk) is None:
            limit.add("t", chunk)
            committed.append(chunk)
    return committed


def newest(committed: list[Tally], window_records: int) -> Tally:
    """As few chunks, from the newest on, as hold so many records; all if there are fewer."""
    records = rejected = 0
    for chunk in reversed(committed):
        if records >= window_records:
            break
        records, rejected = records + chunk.records, rejected + chunk.rejected
    return Tally(records, rejected)


@given(st.lists(chunks, max_size=40), chunks, windows, shares)
def test_a_chunk_is_judged_with_the_newest_records_before_it(
    offered: list[Tally], last: Tally, window: int, share: float
) -> None:
    limit = ShareLimit(share, window)
    committed = accepted(limit, offered)
    seen = newest([*committed, last], window)
    exceeds = last.rejected > 0 and seen.records >= window and seen.rejected > share * seen.records
    assert limit.exceeded_by("t", last) == (seen if exceeds else None)


@given(st.lists(chunks, max_size=40), windows)
def test_fewer_records_than_the_window_never_stop_a_topic(
    offered: list[Tally], window: int
) -> None:
    limit = ShareLimit(0.0, window)
    before = 0
    for chunk in offered:
        if before + chunk.records < window:
            assert limit.exceeded_by("t", chunk) is None
        limit.add("t", chunk)
        before += chunk.records


@given(st.lists(chunks, max_size=40), windows)
def test_a_share_of_one_switches_the_limit_off(offered: list[Tally], window: int) -> None:
    assert accepted(ShareLimit(1.0, window), offered) == offered


@given(st.lists(chunks, max_size=40), windows, shares)
def test_good_chunks_always_pass(offered: list[Tally], window: int, share: float) -> None:
    limit = ShareLimit(share, window)
    accepted(limit, offered)
    assert limit.exceeded_by("t", Tally(window, 0)) is None


def test_topics_are_judged_apart_and_anew_once_forgotten() -> None:
    limit = ShareLimit(0.5, 10)
    limit.add("bad", Tally(9, 9))
    assert limit.exceeded_by("good", Tally(1, 1)) is None
    assert limit.exceeded_by("bad", Tally(1, 1)) == Tally(10, 10)
    limit.forget("bad")
    assert limit.exceeded_by("bad", Tally(1, 1)) is None


@given(st.lists(st.sampled_from(["handled", "skipped", "rejected"]), max_size=20))
def test_outcomes_add_up_to_the_chunk(outcomes: list[str]) -> None:
    """`handled` stands for any item that nobody rejected; one may be rejected long after decoding."""
    partition = Partition("t", 0)
    records = [InputRecord(partition, n, None, b"", (), 0) for n in range(len(outcomes))]
    rejected = [
        Rejected(record, "bad", "bad")
        for record, outcome in zip(records, outcomes, strict=True)
        if outcome == "rejected"
    ]
    kept = [
        Skipped(record, "x")
        for record, outcome in zip(records, outcomes, strict=True)
        if outcome != "rejected"
    ]
    counts = count_outcomes(Chunk([*rejected, *kept], {}, 1), rejected)
    assert counts["t", "rejected"] == len(rejected)
    assert counts["t", "skipped"] == len(kept)
    expected = {"t": Tally(len(records), len(rejected))} if records else {}
    assert tallies(counts) == expected
