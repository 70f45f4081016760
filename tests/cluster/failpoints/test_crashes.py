"""A process dies at a failpoint: the others finish its work, and nothing is lost or done twice."""

import pytest

from rollcall.failpoints import FailpointName
from rollcall_cluster.failpoints import FAILPOINTS, Action, Trigger
from tests.cluster.failpoints.arena import Arena
from tests.cluster.failpoints.conftest import Arenas
from tests.cluster.failpoints.scenarios import NEW_ARENA, NTH, SCENARIOS


def _triggers() -> list[Trigger]:
    return [
        Trigger(failpoint, Action.KILL, nth)
        for failpoint in FAILPOINTS.values()
        for nth in NTH.get(failpoint, (1,))
    ]


@pytest.mark.parametrize("trigger", _triggers(), ids=str)
async def test_a_crash_at_any_failpoint_breaks_no_invariant(
    trigger: Trigger, arenas: Arenas
) -> None:
    arena = await _arena_for(trigger.failpoint, arenas)
    await SCENARIOS[trigger.failpoint](arena, trigger)
    await arena.assert_unharmed()


async def _arena_for(failpoint: FailpointName, arenas: Arenas) -> Arena:
    if SCENARIOS[failpoint] in NEW_ARENA:
        return await arenas.new()
    return await arenas.shared()
