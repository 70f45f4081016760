"""A replica stalls at a failpoint until everything it owned is somebody else's, then it wakes up."""

import pytest

from rollcall.failpoints import FailpointName
from rollcall_cluster.failpoints import Action, Trigger
from tests.cluster.failpoints.arena import Arena, wait_stopped
from tests.cluster.failpoints.plays import reach
from tests.cluster.failpoints.scenarios import STALLS

_FAILPOINTS = [
    pytest.param(failpoint, id=str(failpoint), marks=[pytest.mark.long] * (length == "long"))
    for failpoint, length in STALLS.items()
]


@pytest.mark.parametrize("failpoint", _FAILPOINTS)
async def test_a_zombie_of_any_stage_does_no_harm_and_works_again(
    failpoint: FailpointName, arena: Arena
) -> None:
    """It wakes up where it stood, believing in partitions, lanes and sessions that it has lost."""
    trigger = Trigger(failpoint, Action.STOP)
    ordinary = await arena.ordinary()
    zombie = arena.start("zombie", trigger)
    await reach(arena, zombie, trigger)
    await wait_stopped(zombie)
    await arena.feed()
    await arena.wait_until_owned_by(ordinary)
    await arena.assert_unharmed()

    zombie.cont()
    await arena.feed()
    await zombie.wait_ready()
    await arena.feed()
    await arena.assert_unharmed()
    zombie.kill()
