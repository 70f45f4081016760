"""A replica dies or stalls between two chosen steps of its work: at a failpoint."""

import asyncio
import time

import psutil

from essay_lifecycle_service.failpoints import EssayFailpoint
from rollcall.failpoints import Failpoint
from rollcall_cluster.chaos.arena import Arena
from rollcall_cluster.chaos.faults.base import Fault, NotInflictedError, listed
from rollcall_cluster.failpoints import Action, Trigger
from rollcall_cluster.local.replica import Replica

_REACHED_SECONDS = 40.0
_POLL_SECONDS = 0.02
_MOST_TIMES = 30

# Passed once in the life of a replica, or now and then.
_SELDOM = (
    Failpoint.ASSIGNMENT_POSITIONS_READ,
    Failpoint.ASSIGNMENT_LOG_ENDS_READ,
    Failpoint.ASSIGNMENT_FOUND,
    Failpoint.CHUNK_DEAD_LETTERS_WRITTEN,
    Failpoint.PERIODIC_LOCKED,
    Failpoint.REPORT_DUE,
    Failpoint.REPORT_SENT,
    Failpoint.RELAY_CONNECTED,
    Failpoint.RELAY_BEATEN,
    Failpoint.LANE_LOCKED,
    Failpoint.LANE_FENCED,
    Failpoint.LANE_POSITION_READ,
    EssayFailpoint.PENDING_FOUND,
)
_OFTEN = (
    Failpoint.FETCH_POLLED,
    Failpoint.FETCH_ASSEMBLED,
    Failpoint.CHUNK_TAKEN,
    Failpoint.CHUNK_BEGUN,
    Failpoint.CHUNK_POSITIONS_MOVED,
    Failpoint.CHUNK_HANDLED,
    Failpoint.CHUNK_COMMITTED,
    Failpoint.CHUNK_FINISHED,
    Failpoint.TRANSACTION_SEGMENTS_WRITTEN,
    Failpoint.TRANSACTION_COMMITTED,
    Failpoint.FOLLOW_UP_COMMITTED,
    Failpoint.LANE_NUMBERED,
    Failpoint.LANE_BEGUN,
    Failpoint.LANE_RECORDS_SENT,
    Failpoint.LANE_POSITION_SENT,
    Failpoint.LANE_ACKNOWLEDGED,
    Failpoint.LANE_COMMITTED,
    EssayFailpoint.BATCHES_WRITTEN,
    EssayFailpoint.REGISTRATIONS_WRITTEN,
    EssayFailpoint.CONTENT_TAKEN,
    EssayFailpoint.COUNTED,
    EssayFailpoint.REST_WRITTEN,
    EssayFailpoint.SLOTS_ANNOUNCED,
    EssayFailpoint.COMPLETION_WRITTEN,
    EssayFailpoint.PENDING_TAKEN_BACK,
)

# Lanes stay with those that have them, and one of all sweeps: a replica that comes alone gets there.
_ALONE = ("lane.", EssayFailpoint.PENDING_FOUND)

STAGES = (*_SELDOM, *_OFTEN)
"""The failpoints that a replica comes past by itself under the load of chaos."""


class _AtStage(Fault):
    weight = 6
    action: Action
    _number = 0

    async def inflict(self, arena: Arena) -> None:
        """Replace a replica, or all, by one that does it to itself, and wait until it has.

        Raises:
            NotInflictedError: it did not come so far.
        """
        trigger = self._draw(arena)
        self._number = arena.any_replica()
        self.detail = f"{listed([self._number])} at {trigger}"
        alone = trigger.failpoint.startswith(_ALONE)
        victims = range(1, arena.fleet.size + 1) if alone else [self._number]
        await asyncio.gather(*(arena.fleet.kill(number) for number in victims))
        member = await arena.fleet.start(self._number, trigger=trigger)
        member.wanted = False
        reached = await _reached(member.replica, self.action)
        await arena.fleet.restart_others(self._number)
        if not reached:
            raise NotInflictedError(f"not reached within {_REACHED_SECONDS:.0f} s")

    def _draw(self, arena: Arena) -> Trigger:
        stage = arena.draws.choice(STAGES)
        times = 1 if stage in _SELDOM else arena.draws.randint(1, _MOST_TIMES)
        return Trigger(stage, self.action, times)


class ZombieAt(_AtStage):
    """It wakes up between two steps, one of which was done before others took over."""

    name = "zombie-at"
    summary = "a replica stops at a drawn failpoint past session timeout and lease, then goes on"
    action = Action.STOP

    async def inflict(self, arena: Arena) -> None:
        """Stop it there."""
        self.hold_seconds = arena.session_seconds + 2.0
        await super().inflict(arena)

    async def heal(self, arena: Arena) -> None:
        """Let it go on."""
        if self._number:
            arena.fleet.thaw(self._number)
            await arena.fleet.restart_missing()


class KillAt(_AtStage):
    """What was durable there must be enough."""

    name = "kill-at"
    summary = "a replica dies at a drawn failpoint and is started again"
    action = Action.KILL

    async def heal(self, arena: Arena) -> None:
        """Start it again; one that has not come so far goes on."""
        if self._number:
            arena.fleet.thaw(self._number)
            await arena.fleet.restart_missing()


async def _reached(replica: Replica, action: Action) -> bool:
    """Wait until the process has done it."""
    deadline = time.monotonic() + _REACHED_SECONDS
    while time.monotonic() < deadline:
        if _has_done(replica.process, action):
            return True
        await asyncio.sleep(_POLL_SECONDS)
    return False


def _has_done(process: psutil.Process | None, action: Action) -> bool:
    if process is None:
        return action is Action.KILL
    try:
        return bool(process.status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return action is Action.KILL
