"""Faults at a failpoint strike where a replica comes past, and say so if it did not."""

import random
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import psutil
import pytest

from rollcall_cluster.chaos.faults import FAULTS, NotInflictedError, stages
from rollcall_cluster.chaos.faults.stages import STAGES
from tests.cluster.failpoints import plays
from tests.cluster.failpoints.scenarios import SCENARIOS

# Every other play has a command, a deadline, a poison record or an empty deployment reach it.
_BY_LOAD = (plays.under_load, plays.alone_under_load)


def test_the_stages_are_the_failpoints_that_load_alone_reaches():
    """As the tests of crashes reach each of them on real servers, and nothing else."""
    assert sorted(STAGES) == sorted(name for name, play in SCENARIOS.items() if play in _BY_LOAD)


@pytest.mark.parametrize("name", ["kill-at", "zombie-at"])
async def test_a_stage_that_is_not_reached_was_not_inflicted(
    monkeypatch: pytest.MonkeyPatch, name: str
):
    """The replica runs on as if nothing were: there is nothing to recover from."""
    monkeypatch.setattr(stages, "_REACHED_SECONDS", 0.0)
    arena = _arena(SimpleNamespace(status=lambda: psutil.STATUS_RUNNING))
    fault = FAULTS[name]()
    with pytest.raises(NotInflictedError, match="not reached"):
        await fault.inflict(arena)
    assert fault.detail.startswith("els-2 at ")
    arena.fleet.restart_others.assert_awaited_once_with(2)


async def test_a_stage_at_which_the_replica_died_was_inflicted():
    """Its process is gone."""
    await FAULTS["kill-at"]().inflict(_arena(None))


def _arena(process: Any) -> Any:
    member = SimpleNamespace(replica=SimpleNamespace(process=process), wanted=True)
    fleet = AsyncMock(size=3)
    fleet.start.return_value = member
    return SimpleNamespace(
        any_replica=lambda: 2, fleet=fleet, draws=random.Random(5), session_seconds=4
    )
