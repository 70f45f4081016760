"""A replica dies or stalls between two chosen steps of its work: at a failpoint."""

import asyncio
import time

import psutil

from rollcall_cluster.chaos.arena import Arena
from rollcall_cluster.chaos.faults.base import Fault, listed
from rollcall_cluster.failpoints import FAILPOINTS, Action, Trigger
from rollcall_cluster.local.replica import Replica

_REACHED_SECONDS = 25.0
_POLL_SECONDS = 0.02
_MOST_TIMES = 30

# What a replica does not come past by itself under load, and what it passes once in its life.
_NOT_PASSED = (
    "migration.",
    "topics.",
    "startup.",
    "bisection.",
    "pause.",
    "redrive.",
    "relay.drained",
    "relay.left",
    "lane.abandoned",
    "lane.left_overs_read",
    "assignment.revoked",
    "assignment.positions_opened",
    "chunk.dead_letters_written",
)
_ONCE = (
    "assignment.",
    "relay.",
    "periodic.",
    "report.",
    "lane.locked",
    "lane.fenced",
    "lane.position_read",
)

# Lanes stay with those that have them: a replica that comes alone gets some for certain.
_NEEDS_LANES = "lane."

STAGES = tuple(name for name in FAILPOINTS if not name.startswith(_NOT_PASSED))
"""The failpoints of chunk, relay, assignment and report that a replica under load reaches."""


class _AtStage(Fault):
    weight = 6
    action: Action
    _number = 0

    async def inflict(self, arena: Arena) -> None:
        """Replace a replica, or all, by one that does it to itself, and wait until it has."""
        trigger = self._draw(arena)
        self._number = arena.any_replica()
        self.detail = f"{listed([self._number])} at {trigger}"
        of_relay = trigger.failpoint.startswith(_NEEDS_LANES)
        victims = range(1, arena.fleet.size + 1) if of_relay else [self._number]
        await asyncio.gather(*(arena.fleet.kill(number) for number in victims))
        member = await arena.fleet.start(self._number, trigger=trigger)
        member.wanted = False
        if not await _reached(member.replica, self.action):
            self.detail += ", not reached"
        await arena.fleet.restart_others(self._number)

    def _draw(self, arena: Arena) -> Trigger:
        name = arena.draws.choice(STAGES)
        times = 1 if name.startswith(_ONCE) else arena.draws.randint(1, _MOST_TIMES)
        return Trigger(FAILPOINTS[name], self.action, times)


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
