"""A failpoint does nothing unless armed; what is armed holds for tasks created within."""

import asyncio
from timeit import timeit

from rollcall import failpoints
from rollcall.failpoints import Failpoint, FailpointName, armed

# Ten times what is measured: this is a bound on mistakes, not a benchmark.
_DISARMED_SECONDS = 1.5e-6
_CALLS = 20_000


def test_a_failpoint_that_is_not_armed_does_nothing_and_costs_little():
    def call() -> None:
        failpoints.reached(Failpoint.CHUNK_BEGUN)

    assert min(timeit(call, number=_CALLS) for _ in range(5)) / _CALLS < _DISARMED_SECONDS


async def test_tasks_created_within_inherit_what_is_armed_and_others_do_not():
    seen: list[FailpointName] = []

    async def reach(failpoint: FailpointName) -> None:
        failpoints.reached(failpoint)

    outside = asyncio.ensure_future(reach(Failpoint.CHUNK_BEGUN))
    with armed(seen.append):
        inside = asyncio.ensure_future(reach(Failpoint.CHUNK_HANDLED))
    await asyncio.gather(outside, inside)
    failpoints.reached(Failpoint.CHUNK_COMMITTED)

    assert seen == [Failpoint.CHUNK_HANDLED]
