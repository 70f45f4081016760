"""Processes die at failpoints: the others finish their work, and nothing is lost or done twice."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest

from rollcall_cluster.failpoints import FAILPOINTS, Action, Trigger
from tests.cluster.failpoints.arena import Arena
from tests.cluster.failpoints.conftest import Arenas
from tests.cluster.failpoints.plays import Play
from tests.cluster.failpoints.scenarios import NEW_ARENA, NTH, SCENARIOS, TOGETHER


def _groups() -> Iterator[Sequence[Trigger]]:
    """Every failpoint, in groups that one play can reach at once."""
    by_play: dict[Play, list[Trigger]] = defaultdict(list)
    for failpoint in FAILPOINTS.values():
        for nth in NTH.get(failpoint, (1,)):
            by_play[SCENARIOS[failpoint]].append(Trigger(failpoint, Action.KILL, nth))
    for play, triggers in by_play.items():
        size = TOGETHER.get(play, 1)
        # Neighbours in the source die in different groups, each at another stage of the work.
        count = -(-len(triggers) // size)
        yield from (triggers[start::count] for start in range(count))


def _names(triggers: Sequence[Trigger]) -> str:
    return "+".join(map(str, triggers))


@pytest.mark.parametrize("triggers", [*_groups()], ids=_names)
async def test_a_crash_at_any_failpoint_breaks_no_invariant(
    triggers: Sequence[Trigger], arenas: Arenas
) -> None:
    play = SCENARIOS[triggers[0].failpoint]
    arena = await _arena_for(play, arenas)
    await play(arena, *triggers)
    await arena.assert_unharmed()


def test_every_failpoint_is_in_one_group() -> None:
    named = [trigger.failpoint for triggers in _groups() for trigger in triggers]
    assert set(named) == set(FAILPOINTS.values())


async def _arena_for(play: Play, arenas: Arenas) -> Arena:
    return await arenas.new() if play in NEW_ARENA else await arenas.shared()
