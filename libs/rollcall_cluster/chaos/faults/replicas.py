"""Replicas die, freeze, and are restarted."""

import asyncio
from typing import ClassVar

from rollcall_cluster.chaos.arena import Arena
from rollcall_cluster.chaos.faults.base import Fault, listed

_TAKE_OVER_SECONDS = 5.0
"""Beyond the session timeout, until what a dead replica owned goes on elsewhere."""


class KillOne(Fault):
    """The rest has to go on without it."""

    name = "kill-one"
    summary = "SIGKILL of a replica, which stays dead until the others have taken over"
    weight = 4
    min_instances = 2
    unaided = True

    async def inflict(self, arena: Arena) -> None:
        """Kill one."""
        number = arena.any_replica()
        self.detail = listed([number])
        # The group notices only after the session timeout: until then, nothing shows.
        self.settle_seconds = arena.session_seconds + 1.0
        await arena.fleet.kill(number)

    async def heal(self, arena: Arena) -> None:
        """Start it again."""
        await arena.fleet.restart_missing()

    def limit_seconds(self, arena: Arena) -> float:
        """What a user of the cluster was promised."""
        return arena.session_seconds + _TAKE_OVER_SECONDS


class KillAll(Fault):
    """Nothing is left but what was committed."""

    name = "kill-all"
    summary = "SIGKILL of every replica at once; all are started again"
    weight = 3

    async def inflict(self, arena: Arena) -> None:
        """Kill all."""
        numbers = range(1, arena.fleet.size + 1)
        self.detail = listed(numbers)
        await asyncio.gather(*(arena.fleet.kill(number) for number in numbers))

    async def heal(self, arena: Arena) -> None:
        """Start all."""
        await arena.fleet.restart_missing()


class KillLoop(Fault):
    """A crash loop: nobody lives long enough to settle."""

    name = "kill-loop"
    summary = "SIGKILL of a replica every 2 s, each started again at once, for 16 s"
    weight = 1
    _PAUSE_SECONDS: ClassVar[float] = 2.0
    _ROUNDS: ClassVar[int] = 8

    async def inflict(self, arena: Arena) -> None:
        """Kill and start, over and over."""
        numbers = [arena.any_replica() for _ in range(self._ROUNDS)]
        self.detail = listed(numbers)
        for number in numbers:
            await arena.fleet.kill(number)
            await arena.fleet.start(number)
            await asyncio.sleep(self._PAUSE_SECONDS)

    async def heal(self, arena: Arena) -> None:
        """Start what is missing."""
        await arena.fleet.restart_missing()


class Zombie(Fault):
    """It wakes up and believes that it still owns what others own by now."""

    name = "zombie"
    summary = "SIGSTOP of a replica past session timeout and lease, then SIGCONT"
    weight = 4
    _number = 0

    async def inflict(self, arena: Arena) -> None:
        """Freeze one."""
        self._number = arena.any_replica()
        self.hold_seconds = arena.session_seconds + arena.draws.uniform(1.0, 4.0)
        self.detail = f"{listed([self._number])} for {self.hold_seconds:.1f} s"
        arena.fleet.freeze(self._number)

    async def heal(self, arena: Arena) -> None:
        """Let it go on."""
        if self._number:
            arena.fleet.thaw(self._number)


class ZombieAll(Fault):
    """When all wake up, each finds its session gone."""

    name = "zombie-all"
    summary = "SIGSTOP of every replica past session timeout and lease, then SIGCONT"

    async def inflict(self, arena: Arena) -> None:
        """Freeze all."""
        self.hold_seconds = arena.session_seconds + 2.0
        self.detail = f"for {self.hold_seconds:.0f} s"
        for number in range(1, arena.fleet.size + 1):
            arena.fleet.freeze(number)

    async def heal(self, arena: Arena) -> None:
        """Let them go on."""
        for number in range(1, arena.fleet.size + 1):
            arena.fleet.thaw(number)


class Hiccup(Fault):
    """Shorter than any timeout: nobody may lose anything."""

    name = "hiccup"
    summary = "SIGSTOP of a replica for a third of the session timeout, then SIGCONT"
    _number = 0

    async def inflict(self, arena: Arena) -> None:
        """Freeze one."""
        self._number = arena.any_replica()
        self.hold_seconds = arena.session_seconds / 3
        self.detail = f"{listed([self._number])} for {self.hold_seconds:.1f} s"
        arena.fleet.freeze(self._number)

    async def heal(self, arena: Arena) -> None:
        """Let it go on."""
        if self._number:
            arena.fleet.thaw(self._number)


class RollingRestart(Fault):
    """A release."""

    name = "rolling-restart"
    summary = "every replica in turn: SIGTERM, start again, wait until it is ready"
    weight = 1

    async def inflict(self, arena: Arena) -> None:
        """Restart one after the other."""
        for number in range(1, arena.fleet.size + 1):
            await arena.fleet.stop(number)
            await arena.fleet.start(number)
            await arena.fleet.wait_ready()

    async def heal(self, arena: Arena) -> None:
        """Start what is missing."""
        await arena.fleet.restart_missing()


class RebalanceStorm(Fault):
    """The group never comes to rest."""

    name = "rebalance-storm"
    summary = "scale to 1, to 6, to 2 replicas, every 3 s, for 18 s"
    weight = 1
    _SIZES: ClassVar[tuple[int, ...]] = (1, 6, 2, 1, 6, 2)
    _PAUSE_SECONDS: ClassVar[float] = 3.0

    async def inflict(self, arena: Arena) -> None:
        """Scale up and down."""
        self.detail = " -> ".join(map(str, self._SIZES))
        for size in self._SIZES:
            await arena.fleet.resize(size)
            await asyncio.sleep(self._PAUSE_SECONDS)

    async def heal(self, arena: Arena) -> None:
        """Back to as many as there were."""
        await arena.fleet.resize(arena.fleet.size)
