"""What the database knows of a service, read in a few bounded statements."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rollcall.console.documents import Fills, LaneView, LetterCount, Letters, Relay, TopicView
from rollcall.consumer.pauses import Change, PauseStore
from rollcall.database.queries import load_queries
from rollcall.settings import ServiceSettings
from rollcall.topology import Topology

MOST_INSTANCES = 64
_HEARD_WITHIN_SECONDS = 300.0
_MOST_PARTITIONS = 4096
_MOST_SEGMENTS = 2000
_MOST_LETTERS = 10_000
_AUDIT_ROWS = 1000
_PAUSES = 20
_QUERIES = ("instances", "positions", "waiting", "letters", "settled")

FillReader = Callable[[Any], Awaitable[Fills]]
"""Reads, on a connection, how a service's work fills: bounded, cheap, once a second at most."""


@dataclass(slots=True, frozen=True)
class InstanceRow:
    """An instance by its heartbeats; `silence_seconds` since the last one, on the database's clock."""

    instance_id: str
    host: str
    pid: int
    http_url: str | None
    started_at: datetime
    silence_seconds: float


@dataclass(slots=True, frozen=True)
class Settled:
    """An order about dead letters, from the audit; who gave it is no business of the page's."""

    at: datetime
    action: str
    reason: str
    letters: int
    id: int


@dataclass(slots=True, frozen=True)
class Read:
    """One round of statements."""

    instances: list[InstanceRow]
    instances_left_out: int
    positions: dict[tuple[str, int], int]
    relay: Relay
    letters: Letters
    topics: list[TopicView]
    changes: list[Change]
    settled: list[Settled]
    fills: Fills | None


class ConsoleReader:
    """Reads one deployment on the connection it is given."""

    def __init__(
        self, settings: ServiceSettings, topology: Topology, fills: FillReader | None
    ) -> None:
        self._group = settings.consumer_group
        self._inputs = [settings.topic(topic.name) for topic in topology.inputs]
        self._fills = fills
        self._pauses = PauseStore(settings.consumer_group)
        (self._instances, self._positions, self._waiting, self._letters, self._settled) = (
            load_queries("rollcall.console", "console.sql", *_QUERIES)
        )
        (self._lane_states,) = load_queries("rollcall.outbox", "lane_states.sql", "states")

    async def read(self, connection: Any) -> Read:
        """One round; raises what the database raises."""
        fetch = connection.fetch
        rows = await fetch(self._instances, _HEARD_WITHIN_SECONDS, MOST_INSTANCES)
        instances = [InstanceRow(*tuple(row)[:6]) for row in rows]
        positions = await fetch(self._positions, self._group, _MOST_PARTITIONS)
        settled = await fetch(self._settled, self._group, _AUDIT_ROWS)
        return Read(
            instances=instances,
            instances_left_out=rows[0]["instances"] - len(rows) if rows else 0,
            positions={(row["topic"], row["partition"]): row["next_offset"] for row in positions},
            relay=await self._read_relay(connection),
            letters=await self._read_letters(connection),
            topics=await self._read_topics(connection),
            changes=await self._pauses.history(connection, _PAUSES),
            settled=[Settled(**row) for row in settled],
            fills=await self._fills(connection) if self._fills else None,
        )

    async def _read_relay(self, connection: Any) -> Relay:
        waiting = {
            row["lane"]: row for row in await connection.fetch(self._waiting, _MOST_SEGMENTS)
        }
        states = await connection.fetch(self._lane_states)
        return relay_of(states, waiting)

    async def _read_letters(self, connection: Any) -> Letters:
        rows = await connection.fetch(self._letters, self._group, _MOST_LETTERS)
        counts = [LetterCount.model_validate(dict(row)) for row in rows]
        return Letters(
            counts=counts,
            dead=sum(count.letters for count in counts if count.state == "dead"),
            more=sum(count.letters for count in counts) >= _MOST_LETTERS,
        )

    async def _read_topics(self, connection: Any) -> list[TopicView]:
        pauses = {pause.topic: pause for pause in await self._pauses.read(connection)}
        return [
            TopicView(
                topic=name,
                paused=name in pauses,
                reason=pauses[name].reason if name in pauses else None,
            )
            for name in sorted({*self._inputs, *pauses})
        ]


def relay_of(states: Sequence[Any], waiting: dict[int, Any]) -> Relay:
    """All lanes, those without anything that waits included; who owns one is told by the instances."""
    lanes = [
        LaneView(
            lane=state["lane"],
            owner=None,
            owned=state["owned"],
            segments=waiting[state["lane"]]["segments"] if state["lane"] in waiting else 0,
            events=waiting[state["lane"]]["events"] if state["lane"] in waiting else 0,
            oldest_seconds=None
            if state["oldest_seconds"] is None
            else max(0, int(state["oldest_seconds"])),
        )
        for state in states
    ]
    segments = sum(row["segments"] for row in waiting.values())
    return Relay(
        lanes=lanes,
        events=sum(lane.events for lane in lanes),
        more=segments >= _MOST_SEGMENTS,
    )
