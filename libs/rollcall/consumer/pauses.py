"""Topics that no instance consumes until somebody resumes them, as PostgreSQL says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

import orjson

from rollcall import failpoints
from rollcall.database.queries import load_queries
from rollcall.failpoints import Failpoint


@dataclass(slots=True, frozen=True)
class Pause:
    """A topic (its name on the cluster) that is not consumed; why, by whose hand, since when."""

    topic: str
    reason: str
    paused_by: str
    paused_at: datetime


@dataclass(slots=True, frozen=True)
class Change:
    """Who stopped or resumed a topic, when and why."""

    at: datetime
    operator: str
    action: Literal["pause", "resume"]
    reason: str
    topic: str


class Followed(NamedTuple):
    """What a replica must follow: paused topics with their reasons, and the number of moved positions."""

    paused: dict[str, str]
    moves: int


class PauseStore:
    """Reads and changes the pauses of one consumer group, on the connection it is given."""

    def __init__(self, consumer_group: str) -> None:
        self._group = consumer_group
        self._read, self._followed, self._pause, self._resume, self._history = load_queries(
            "rollcall.consumer", "pauses.sql", "read", "followed", "pause", "resume", "history"
        )

    async def read(self, connection: Any) -> list[Pause]:
        """All pauses, by topic."""
        return [Pause(**row) for row in await connection.fetch(self._read, self._group)]

    async def followed(self, connection: Any) -> Followed:
        """What operators have ordered, in one look."""
        row = await connection.fetchrow(self._followed, self._group)
        return Followed(orjson.loads(row["paused"] or "{}"), row["moves"])

    async def pause(self, connection: Any, topic: str, reason: str, by: str) -> bool:
        """Stop a topic; False if it is stopped already, which keeps its first reason."""
        paused = bool(await connection.fetchval(self._pause, self._group, topic, reason, by))
        failpoints.reached(Failpoint.PAUSE_WRITTEN)
        return paused

    async def resume(self, connection: Any, topic: str, reason: str, by: str) -> bool:
        """Let a topic go on; False if it was not stopped."""
        return bool(await connection.fetchval(self._resume, self._group, topic, reason, by))

    async def history(self, connection: Any, limit: int) -> list[Change]:
        """Who stopped and resumed what, newest first; audited in the statements of the changes."""
        rows = await connection.fetch(self._history, self._group, limit)
        return [Change(**row) for row in rows]
