"""The timeline, made from successive moments."""

from dataclasses import replace

from rollcall.console.documents import Timeline
from rollcall.console.reader import InstanceRow, Settled
from rollcall.console.timeline import Chronicle
from rollcall.console.views import instance_views, partition_views, relay_view
from rollcall.consumer.pauses import Change
from rollcall.http import InstanceStatus
from tests.unit.console.moments import START, at, read, row, status


class Watched:
    """A chronicle that is shown one moment a second."""

    def __init__(self) -> None:
        self.chronicle = Chronicle(START)
        self.seconds = 0

    def see(
        self, rows: list[InstanceRow], *said: InstanceStatus, dead: int = 0, times: int = 2
    ) -> Timeline:
        """The same moment `times` times."""
        found = read(*rows, dead=dead)
        told = {each.instance_id: each for each in said}
        for _ in range(times):
            self.seconds += 1
            timeline = self.chronicle.seen(
                at(self.seconds),
                found,
                instance_views(rows, told, 6),
                partition_views({}, told),
                relay_view(found.relay, told),
            )
        return timeline


def texts(timeline: Timeline) -> list[str]:
    """What was seen happening, newest first, without what is recorded."""
    return [entry.text for entry in timeline.entries if not entry.recorded]


def test_a_crash_is_told_from_silence_to_the_others_taking_over() -> None:
    watched = Watched()
    both = [row("a"), row("b")]
    watched.see(both, status("a", [0, 1], [0]), status("b", [2, 3], [1]))
    watched.see([row("a"), row("b", 2)], status("a", [0, 1], [0]))
    watched.see([row("a"), row("b", 7)], status("a", [], [0]))
    timeline = watched.see([row("a"), row("b", 9)], status("a", [0, 1, 2, 3], [0, 1]))
    assert set(texts(timeline)[:2]) == {"2 partitions moved: a 2 to 4, b 2 to 0", "a takes lane 1"}
    assert texts(timeline)[2:] == ["b is lost: no heartbeat for more than 6 s", "b does not answer"]


def test_partitions_on_their_way_are_not_told_before_they_have_arrived() -> None:
    watched = Watched()
    rows = [row("a"), row("b")]
    watched.see(rows, status("a", [0, 1]), status("b", []))
    watched.see(rows, status("a", []), status("b", []))
    assert texts(watched.see(rows, status("a", [0]), status("b", [1]), times=1)) == []
    timeline = watched.see(rows, status("a", [0]), status("b", [1]))
    assert texts(timeline) == ["1 partition moved: a 2 to 1, b 0 to 1"]


def test_a_clean_stop_is_not_a_loss() -> None:
    watched = Watched()
    watched.see([row("a"), row("b")], status("a"), status("b"))
    assert texts(watched.see([row("a")], status("a"))) == ["b left"]


def test_one_that_is_forgotten_after_it_was_lost_does_not_leave_as_well() -> None:
    watched = Watched()
    watched.see([row("a", 9)])
    assert texts(watched.see([])) == []


def test_what_an_instance_says_is_wrong_with_it_is_told_and_so_is_its_recovery() -> None:
    watched = Watched()
    watched.see([row("a")], status("a"))
    watched.see([row("a")], status("a", problems=["relay behind: lane 0"]))
    assert texts(watched.see([row("a")], status("a"))) == [
        "a is ready",
        "a is not ready: relay behind: lane 0",
    ]


def test_new_dead_letters_are_counted() -> None:
    watched = Watched()
    watched.see([], dead=2)
    assert texts(watched.see([], dead=5)) == ["3 new dead letters"]


def test_what_the_database_recorded_is_told_once_also_from_before_anybody_watched() -> None:
    chronicle = Chronicle(START)
    found = replace(
        read(row("a")),
        changes=[Change(at(-50), "ann", "pause", "broken", "in")],
        settled=[Settled(at(-40), "redrive", "", 3, 1)],
    )
    for second in range(3):
        timeline = chronicle.seen(at(second), found, [], [], found.relay)
    assert [(entry.kind, entry.text) for entry in timeline.entries] == [
        ("joined", "a joined"),
        ("redriven", "3 dead letters redriven"),
        ("paused", "in paused: broken"),
    ]


def test_only_the_newest_hundred_are_kept() -> None:
    watched = Watched()
    for dead in range(150):
        timeline = watched.see([], dead=dead, times=1)
    assert len(timeline.entries) == 100
    assert timeline.entries[0].at == at(150)
