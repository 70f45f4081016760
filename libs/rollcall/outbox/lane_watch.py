"""How far the lanes are behind, and whether each has an owner: asked of the database, not of the relay."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from time import monotonic

import structlog

from rollcall import ticks
from rollcall.database.failures import DATABASE_ERRORS
from rollcall.database.pool import Database
from rollcall.database.queries import load_queries
from rollcall.telemetry.metrics import Metrics

log = structlog.get_logger()

_LOOK_SECONDS = 2.0


@dataclass(slots=True, frozen=True)
class LaneState:
    """One lane: the age of its oldest segment that is not published, in seconds; has it an owner."""

    lane: int
    oldest_seconds: float | None
    owned: bool


class LaneBacklog:
    """What is wrong with the lanes, by the newest look. Pure; the clock is an argument."""

    def __init__(self, limit_seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._limit_seconds = limit_seconds
        self._clock = clock
        self._behind: list[str] = []
        self._ownerless_since: dict[int, float] = {}

    def seen(self, states: Sequence[LaneState], owned_here: Collection[int]) -> None:
        """Take in a look. The backlog of a lane is its owner's problem, a missing owner everybody's."""
        self._behind = [
            f"relay behind: lane {state.lane}, oldest segment {state.oldest_seconds:.0f} s"
            for state in states
            if state.lane in owned_here and (state.oldest_seconds or 0) > self._limit_seconds
        ]
        now = self._clock()
        self._ownerless_since = {
            state.lane: self._ownerless_since.get(state.lane, now)
            for state in states
            if not state.owned
        }

    def problems(self) -> list[str]:
        """Lanes of this instance that are behind, and lanes that nobody publishes."""
        now = self._clock()
        return self._behind + [
            f"lane {lane} has had no owner for {now - since:.0f} s"
            for lane, since in sorted(self._ownerless_since.items())
            if now - since > self._limit_seconds
        ]


class LaneWatch:
    """Looks at the lanes every two seconds, on a connection that the relay does not share."""

    def __init__(
        self,
        database: Database,
        metrics: Metrics,
        limit_seconds: float,
        owned_lanes: Callable[[], Collection[int]],
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._owned_lanes = owned_lanes
        self.backlog = LaneBacklog(limit_seconds)
        (self._states,) = load_queries("rollcall.outbox", "lane_states.sql", "states")

    async def run(self) -> None:
        """Look again and again; what was seen last holds while PostgreSQL is away."""
        while True:
            await ticks.sleep(_LOOK_SECONDS)
            try:
                await self._look()
            except DATABASE_ERRORS as error:
                log.warning("lanes_not_seen", error=repr(error)[:500])

    async def _look(self) -> None:
        async with self._database.acquire() as connection:
            rows = await connection.fetch(self._states)
        states = [LaneState(row["lane"], row["oldest_seconds"], row["owned"]) for row in rows]
        owned_here = self._owned_lanes()
        self.backlog.seen(states, owned_here)
        self._metrics.lanes_without_owner.set(sum(not state.owned for state in states))
        gauge = self._metrics.relay_oldest_segment_seconds
        gauge.clear()
        for state in states:
            if state.lane in owned_here:
                gauge.labels(str(state.lane)).set(state.oldest_seconds or 0.0)
