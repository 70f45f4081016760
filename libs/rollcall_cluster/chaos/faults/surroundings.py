"""What else is wrong in the world: clocks, and what upstream sends."""

from rollcall_cluster.chaos.arena import Arena
from rollcall_cluster.chaos.faults.base import Fault, listed


class _WrongClock(Fault):
    """Leases and deadlines must go by the database's clock."""

    weight = 1
    lingering_seconds = 60.0
    offset_seconds: float
    _number = 0

    async def inflict(self, arena: Arena) -> None:
        """Restart all, first the one that believes in another time, so that it gets lanes as well."""
        self._number = arena.any_replica()
        self.detail = listed([self._number])
        await arena.fleet.stop_all()
        await arena.fleet.start(self._number, clock_offset_seconds=self.offset_seconds)
        await arena.fleet.wait_ready()
        await arena.fleet.restart_others(self._number)
        await arena.fleet.wait_ready()

    async def heal(self, arena: Arena) -> None:
        """Restart it in ours."""
        if self._number:
            await arena.fleet.stop(self._number)
            await arena.fleet.start(self._number)


class ClockAhead(_WrongClock):
    """Everything looks expired."""

    name = "clock-ahead"
    summary = "the clock of a replica is 1 h ahead for 60 s, while the next faults come"
    offset_seconds = 3600.0


class ClockBehind(_WrongClock):
    """Nothing ever expires."""

    name = "clock-behind"
    summary = "the clock of a replica is 1 h behind for 60 s, while the next faults come"
    offset_seconds = -3600.0


class Malformed(Fault):
    """Below the share that would pause the topic."""

    name = "malformed"
    summary = "for 4 s, one record in five is broken in some way, a few larger than allowed"
    share = 0.25
    """Of the good records."""

    async def inflict(self, arena: Arena) -> None:
        """Send them, beside the load."""
        await arena.load.burst(4.0, self.share)
