"""Leaves out records that were handled before: duplicates then cost a look-up instead of statements.

A mark says under which event id, with which bytes, at which place of which partition a record was
handled, and in which life of which database. It is believed only if all of that fits and the database's own
position has passed that place: positions and effects commit together, so then the effect is there.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from struct import Struct
from typing import Any, NamedTuple
from zlib import crc32

import structlog

from rollcall.consumer.chunk import Chunk, Span
from rollcall.consumer.records import InputRecord, Partition, Received, Rejected
from rollcall.coordination.circuit import Circuit
from rollcall.coordination.coordination import Coordination
from rollcall.coordination.idempotency_filter import IdempotencyFilter
from rollcall.database.queries import load_queries
from rollcall.dead_letters.redrive import REDRIVEN_FROM_HEADER
from rollcall.settings import ServiceSettings
from rollcall.telemetry.coordination_metrics import CoordinationMetrics
from rollcall_events import EventData

log = structlog.get_logger()

_NOTE = Struct(">8s8sIIQ")
_UNKNOWN_LIFE = b""


class Mark(NamedTuple):
    """A note, taken apart."""

    life: bytes
    digest: bytes
    topic: int
    partition: int
    offset: int


class ChunkFilter:
    """The filter of one consumer group.

    Args:
        models: of the events that may be left out: to handle such a record twice changes nothing.
        budget_seconds: longest wait for one look-up; after a failure none is made for a second.
    """

    def __init__(
        self,
        coordination: Coordination,
        filter_: IdempotencyFilter,
        consumer_group: str,
        models: Collection[type[EventData]],
        budget_seconds: float,
    ) -> None:
        self._coordination = coordination
        self.filter = filter_
        self.group = consumer_group
        self.models = frozenset(models)
        self.metrics: CoordinationMetrics = coordination.metrics
        self.life = _UNKNOWN_LIFE
        self._circuit = Circuit(budget_seconds)
        self.marking: asyncio.Task[Any] | None = None
        """The newest chunk that is or was being marked."""
        self._life, self._passed = load_queries(
            "rollcall.coordination", "chunk_filter.sql", "life", "passed"
        )

    @classmethod
    def open(
        cls,
        settings: ServiceSettings,
        database: Any,
        models: Collection[type[EventData]],
        registry: Any,
    ) -> "ChunkFilter":
        """Make the filter that the settings ask for; connects when it is first used."""
        assert settings.redis_url is not None
        coordination = Coordination(
            settings.redis_url.get_secret_value(),
            database,
            prefix=settings.redis_prefix,
            connections=2,
            registry=registry,
        )
        filter_ = coordination.idempotency_filter(
            settings.consumer_group,
            keep_seconds=settings.filter_keep_seconds,
            max_ids=settings.filter_max_ids,
        )
        group, budget = settings.consumer_group, settings.filter_budget_seconds
        return cls(coordination, filter_, group, models, budget)

    async def look_up(self, chunk: Chunk) -> "ChunkLookUp":
        """One round trip for the whole chunk, within the budget."""
        candidates = {
            item.envelope.event_id.bytes: item.record
            for item in chunk.received(self.models)
            if not _is_redriven(item.record)
        }
        if self._circuit.is_open:
            outcome, notes = "skipped", None
        else:
            notes = await self._circuit.within_budget(self.filter.look_up(list(candidates)))
            outcome = "failed" if notes is None else "answered"
        self.metrics.filter_lookups_total.labels(outcome).inc()
        self.metrics.filter_open.set(self._circuit.is_open)
        return ChunkLookUp(self, chunk, candidates, notes or {})

    async def confirmed(
        self, marks: Mapping[bytes, Mark], spans: Mapping[Partition, Span], connection: Any
    ) -> set[bytes]:
        """Of marks whose bytes fit, those that this database confirms; in the chunk's transaction."""
        await self.learn_life(connection)
        marks = {id_: mark for id_, mark in marks.items() if mark.life == self.life}
        places = {crc32(p.topic.encode()): p.topic for p in spans}
        own = {id_: mark for id_, mark in marks.items() if mark.topic in places}
        # The chunk has moved its own positions in this transaction: what they were before it counts.
        sure, ask = set(), {}
        for id_, mark in own.items():
            place = Partition(places[mark.topic], mark.partition)
            if place not in spans:
                ask[id_] = (place, mark.offset)
            elif mark.offset < spans[place].expected:
                sure.add(id_)
        return sure | await self._ask(ask, connection)

    async def _ask(
        self, places: Mapping[bytes, tuple[Partition, int]], connection: Any
    ) -> set[bytes]:
        if not places:
            return set()
        rows = await connection.fetch(
            self._passed,
            self.group,
            [place.topic for place, _ in places.values()],
            [place.number for place, _ in places.values()],
            [offset for _, offset in places.values()],
        )
        ids = list(places)
        return {ids[row["place"] - 1] for row in rows}

    async def learn_life(self, connection: Any) -> None:
        """Find out what marks are made for now."""
        named: str | None = await connection.fetchval(self._life, self.group)
        self.life = blake2b(named.encode(), digest_size=8).digest() if named else _UNKNOWN_LIFE

    def mark(self, records: Mapping[bytes, InputRecord]) -> None:
        """Mark records whose chunk is committed, in the background: one chunk at a time, or not at all."""
        busy = self.marking is not None and not self.marking.done()
        if not records or busy or self._circuit.is_open:
            return
        self.marking = asyncio.create_task(self._mark(records), name="rollcall.filter.mark")

    async def _mark(self, records: Mapping[bytes, InputRecord]) -> None:
        if self.life == _UNKNOWN_LIFE:
            return
        notes = {id_: _note(self.life, record) for id_, record in records.items()}
        await self._circuit.within_budget(self.filter.mark(notes))

    async def close(self) -> None:
        """Close what is open."""
        if self.marking is not None:
            await asyncio.wait([self.marking], timeout=1)
        await self._coordination.close()


class ChunkLookUp:
    """What the filter knows of one chunk."""

    def __init__(
        self,
        chunk_filter: ChunkFilter,
        chunk: Chunk,
        candidates: Mapping[bytes, InputRecord],
        notes: Mapping[bytes, bytes],
    ) -> None:
        self._filter = chunk_filter
        self._chunk = chunk
        self._candidates = candidates
        self._notes = notes
        self._known: set[bytes] | None = None

    async def unhandled(
        self, received: Sequence[Received[Any]], connection: Any
    ) -> list[Received[Any]]:
        """Leave out what this very database has handled; inside the chunk's transaction."""
        if self._known is None:
            self._known = await self._confirm(connection)
        if not self._known:
            return list(received)
        rest = [item for item in received if not self._is_known(item)]
        self._filter.metrics.filter_hits_total.inc(len(received) - len(rest))
        return rest

    def committed(self, rejected: Collection[Rejected]) -> None:
        """The chunk is committed, but for the effects of these records: mark the others."""
        without_effect = {id(item.record) for item in rejected}
        known = self._known or ()
        self._filter.mark(
            {
                id_: record
                for id_, record in self._candidates.items()
                if id_ not in known and id(record) not in without_effect
            }
        )

    async def _confirm(self, connection: Any) -> set[bytes]:
        if not self._filter.life:
            await self._filter.learn_life(connection)
        marks = {
            id_: Mark(*_NOTE.unpack(note))
            for id_, note in self._notes.items()
            if len(note) == _NOTE.size
        }
        fitting = {
            id_: mark
            for id_, mark in marks.items()
            if mark.digest == _digest(self._candidates[id_])
        }
        if not fitting:
            return set()
        return await self._filter.confirmed(fitting, self._chunk.spans, connection)

    def _is_known(self, item: Received[Any]) -> bool:
        """By its very record: another in the chunk may have the same id and other bytes."""
        assert self._known is not None
        id_ = item.envelope.event_id.bytes
        return id_ in self._known and self._candidates[id_] is item.record


def _note(life: bytes, record: InputRecord) -> bytes:
    place = record.partition
    topic = crc32(place.topic.encode())
    return _NOTE.pack(life, _digest(record), topic, place.number, record.offset)


def _digest(record: InputRecord) -> bytes:
    return blake2b(record.value or b"", digest_size=8).digest()


def _is_redriven(record: InputRecord) -> bool:
    return any(name == REDRIVEN_FROM_HEADER for name, _ in record.headers)
