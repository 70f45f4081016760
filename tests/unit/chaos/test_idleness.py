"""A replica that says it is ready and does nothing is found; others are not."""

from rollcall_cluster.chaos.idleness import IdleWatch

A, B = ("contents", 0), ("contents", 1)
OWNED = frozenset({A, B})


def _watch() -> IdleWatch:
    return IdleWatch(limit_seconds=25.0)


def test_records_wait_and_nothing_moves():
    """Told once, however long it lasts."""
    watch = _watch()
    for second in range(60):
        watch.look(float(second), "els-1", OWNED, {A: 5, B: 7}, {A: 5, B: 9})
    (found,) = watch.found
    assert (found.replica, found.waiting) == ("els-1", 2)
    assert "silently idle for 26 s while 2 records waited" in str(found)


def test_nothing_waits():
    """Having nothing to do is no fault."""
    watch = _watch()
    for second in range(60):
        watch.look(float(second), "els-1", OWNED, {A: 5, B: 9}, {A: 5, B: 9})
    assert not watch.found


def test_it_moves_now_and_then():
    """Slow is not idle."""
    watch = _watch()
    for second in range(100):
        watch.look(float(second), "els-1", OWNED, {A: second // 20}, {A: 500})
    assert not watch.found


def test_time_in_which_it_is_not_ready_does_not_count():
    """It has told by itself that something is wrong."""
    watch = _watch()
    for second in range(60):
        if second % 20 == 0:
            watch.excuse("els-1")
        watch.look(float(second), "els-1", OWNED, {A: 5}, {A: 9})
    assert not watch.found


def test_records_of_others_partitions_are_not_its_to_handle():
    """What it does not own, it must not touch."""
    watch = _watch()
    for second in range(60):
        watch.look(float(second), "els-1", frozenset({A}), {A: 5, B: 0}, {A: 5, B: 900})
    assert not watch.found
