"""How samples of stacks become costs of stages."""

from collections import Counter

import pytest
from benchmarks.profiling import by_stage, costs, figures, profile_of, writing_share

_ROOT = "<module> (essay_lifecycle_service/__main__.py:9);Runner.run (asyncio/runners.py:118)"
_WORK = f"{_ROOT};Consumer._work (rollcall/consumer/consumer.py:260)"
_HANDLER = f"{_WORK};EssayLifecycle.provision (essay_lifecycle_service/handlers.py:112)"


def test_a_sample_counts_for_the_innermost_stage_that_asked_for_it() -> None:
    counts = by_stage(
        [
            f"{_WORK};process (rollcall/consumer/processor.py:80) 1",
            f"{_HANDLER} 2",
            f"{_HANDLER};fetch (asyncpg/connection.py:690) 3",
            f"{_HANDLER};fetch (asyncpg/connection.py:690);loads (json/__init__.py:1) 4",
            f"{_ROOT} 5",
            f"{_ROOT};uv__io_poll (linux.c:1452);epoll_pwait (libc.so.6) 90",
            f"{_ROOT};uv__read (stream.c:1154);data_received (protocol.c:86473) 6",
        ]
    )
    assert counts == {
        "chunks, positions, ownership": 1,
        "handlers": 2,
        "talking to PostgreSQL": 13,
        "event loop, sockets, everything else": 5,
    }


def test_threads_that_wait_cost_nothing() -> None:
    assert not by_stage(["Thread.run (threading.py:975);Condition.wait (threading.py:331) 900"])


def test_writing_counts_among_what_is_busy() -> None:
    """Whoever asked for it; in an innermost frame alone."""
    lines = [
        f"{_HANDLER};UVStream_write (loop.c:1);write (libc.so.6) 3",
        f"{_HANDLER};write (libc.so.6);deeper (x.c:1) 1",
        f"{_ROOT};uv__io_poll (linux.c:1452);epoll_pwait (libc.so.6) 90",
    ]
    assert writing_share(lines) == pytest.approx(0.75)
    assert writing_share([]) == 0


def test_the_total_is_shared_out_by_samples() -> None:
    shares = costs(Counter({"handlers": 1, "decoding records": 3}), total=40)
    assert shares == {"decoding records": pytest.approx(30), "handlers": pytest.approx(10)}
    assert list(shares) == ["decoding records", "handlers"]


def test_a_profile_shares_the_time_of_the_replica_and_tells_who_uses_the_machine() -> None:
    """Cores: microseconds of each event, times events a second."""
    stacks = [
        f"{_HANDLER};write (libc.so.6) 1",
        f"{_WORK};process (rollcall/consumer/processor.py:80) 3",
    ]
    found = profile_of("slow", 100.0, stacks, {"replica": 4000.0, "measuring": 1500.0})
    assert found.us == pytest.approx({"chunks, positions, ownership": 3000, "handlers": 1000})
    assert found.cores == pytest.approx({"replica": 0.4, "measuring": 0.15})
    assert found.writing_share == pytest.approx(0.25)
    assert figures([found])["handlers us slow"] == [pytest.approx(1000)]
