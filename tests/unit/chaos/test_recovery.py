"""When a deployment was itself again: from points, without a cluster."""

from rollcall_cluster.chaos.recovery import (
    Point,
    is_calm,
    is_slow,
    rate_at,
    rate_between,
    recovery,
)

RATE = 600.0
_STEP = 0.5


def _points(handled_rates: list[float | None], offered: float = RATE) -> list[Point]:
    """A point each half second; each rate holds until the next point, None: PostgreSQL is away."""
    points = []
    produced, handled = 0.0, 0.0
    for index, rate in enumerate(handled_rates):
        shown = None if rate is None else round(handled)
        points.append(Point(index * _STEP, round(produced), shown))
        produced += offered * _STEP
        handled = min(produced, handled + (rate or 0.0) * _STEP)
    return points


STEADY = [RATE] * 20


def test_the_rate_is_taken_over_two_seconds():
    """Half a second of silence is no low rate."""
    points = _points([*STEADY, 0.0, *STEADY])
    assert rate_at(points, 10) == RATE
    assert rate_at(points, 22) == 0.75 * RATE
    assert rate_at(points, 2) is None


def test_the_rate_over_a_span_needs_two_known_points():
    """Nothing known is a rate of zero, not an error."""
    points = _points(STEADY)
    assert rate_between(points, 2.0, 6.0) == RATE
    assert rate_between(points, 100.0, 120.0) == 0.0
    assert rate_between([Point(0.0, 1, None), Point(1.0, 2, None)], 0.0, 1.0) == 0.0


def test_steady_work_is_calm_and_has_nothing_to_recover_from():
    """A fault that nobody feels costs nothing."""
    points = _points(STEADY)
    assert is_calm(points, RATE, 2.0)
    assert recovery(points, 5.0, RATE).rate_seconds == 0.0
    assert recovery(points, 5.0, RATE).backlog_seconds == 0.0


def test_a_third_of_the_partitions_dead_until_the_others_take_over():
    """Rate and backlog are told apart: the rate is back as soon as the backlog is worked off."""
    dead = [RATE * 2 / 3] * 12  # 6 s from 10 s on
    points = _points([*STEADY, *dead, *[5 * RATE] * 2, *STEADY])
    found = recovery(points, 10.0, RATE)
    assert found.rate_seconds is not None
    assert 6.0 <= found.rate_seconds <= 7.0
    assert found.backlog_seconds is not None
    assert 6.0 <= found.backlog_seconds <= 7.5


def test_an_outage_is_over_when_the_database_answers_and_the_work_goes_on():
    """Nobody knows the rate while PostgreSQL is away: that counts as disturbed."""
    points = _points([*STEADY, *[None] * 8, *[3 * RATE] * 6, *STEADY])
    assert not is_calm(points[:26], RATE, 2.0)
    found = recovery(points, 10.0, RATE)
    assert found.rate_seconds is not None
    assert 4.0 <= found.rate_seconds <= 6.5


def test_what_is_still_disturbed_at_the_end_has_not_recovered():
    """None, and not the length of what was watched."""
    points = _points([*STEADY, *[0.0] * 10])
    found = recovery(points, 10.0, RATE)
    assert found.rate_seconds is None
    assert found.backlog_seconds is None


def test_a_low_rate_with_nothing_waiting_is_the_load_and_no_fault():
    """When Kafka takes nothing new, there is nothing to be slow at."""
    points = _points([*STEADY, *[RATE] * 10])
    idle = [Point(20.0 + i * _STEP, points[-1].produced, points[-1].produced) for i in range(10)]
    everything = [*points, *idle]
    assert not is_slow(everything, len(everything) - 1, RATE)
