"""What the database has and what the instances say, put together."""

import pytest

from rollcall.console.peers import reachable_address
from rollcall.console.views import instance_views, partition_views, rate, relay_view, totals
from tests.unit.console.moments import TOPIC, read, row, status


@pytest.mark.parametrize(
    ("silence_seconds", "problems", "answers", "state"),
    [
        (0, [], True, "ready"),
        (0, ["starting"], True, "starting"),
        (0, ["stalled: 3 records wait"], True, "not_ready"),
        (5, [], False, "unreachable"),
        (7, [], False, "lost"),
        (7, [], True, "ready"),
    ],
)
def test_the_state_of_an_instance_comes_from_its_answer_then_from_its_heartbeat(
    silence_seconds: float, problems: list[str], answers: bool, state: str
) -> None:
    said = {"a": status("a", problems=problems)} if answers else {}
    (view,) = instance_views([row("a", silence_seconds)], said, lost_after_seconds=6)
    assert view.state == state


def test_lost_instances_come_last() -> None:
    views = instance_views([row("a", 60), row("b")], {"b": status("b")}, 6)
    assert [view.instance_id for view in views] == ["b", "a"]


def test_a_partition_without_an_owner_that_tells_leaves_the_lag_unknown() -> None:
    said = {"a": status("a", [0])}
    partitions = partition_views({(TOPIC, 0): 4, (TOPIC, 1): 5}, said)
    assert [(p.owner, p.next_offset, p.lag) for p in partitions] == [("a", 10, 2), (None, 5, None)]
    assert totals([], partitions, None).lag is None
    assert totals([], partitions[:1], None).lag == 2


def test_lanes_belong_to_whom_the_instances_say() -> None:
    relay = relay_view(read().relay, {"a": status("a", lanes=[1])})
    assert [lane.owner for lane in relay.lanes] == [None, "a"]


def test_the_rate_counts_only_partitions_that_were_known_before_and_moved_on() -> None:
    before = read(positions={(TOPIC, 0): 10, (TOPIC, 1): 50})
    after = read(positions={(TOPIC, 0): 30, (TOPIC, 1): 40, (TOPIC, 2): 999})
    assert rate(before, after, 2.0) == 10.0
    assert rate(before, after, 0.0) is None


@pytest.mark.parametrize(
    ("http_url", "address"),
    [
        ("http://127.0.0.1:81", "http://127.0.0.1:81"),
        ("http://0.0.0.0:81", "http://host:81"),
        ("http://[::]:81", "http://host:81"),
        ("ftp://host", None),
        (None, None),
    ],
)
def test_an_instance_on_every_address_is_asked_by_the_name_of_its_host(
    http_url: str | None, address: str | None
) -> None:
    assert reachable_address(row("a", http_url=http_url)) == address
