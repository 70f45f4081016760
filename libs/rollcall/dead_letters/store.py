"""Dead letters in PostgreSQL as an operator sees and settles them."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from rollcall.database.queries import load_queries
from rollcall.dead_letters.letter import (
    Action,
    AuditEntry,
    LetterCount,
    LetterFilter,
    LetterId,
    LetterSummary,
    State,
)

_QUERIES = ("count", "find", "contents", "settle", "history")


@dataclass(slots=True, frozen=True)
class StoredRecord:
    """A record as it was read, and how it was isolated."""

    id: LetterId
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    timestamp: datetime | None
    bisection_trace: list[str]
    instance_id: str


@dataclass(slots=True, frozen=True)
class Decision:
    """What an operator decided, as it is written down."""

    action: Action
    operator: str
    reason: str

    @property
    def state(self) -> State:
        """The state of a dead letter about which this was decided."""
        return "redriven" if self.action == "redrive" else "discarded"


class DeadLetterRegister:
    """The statements about dead letters of one consumer group, each on the connection it is given."""

    def __init__(self, consumer_group: str) -> None:
        self._group = consumer_group
        self._count, self._find, self._contents, self._settle, self._history = load_queries(
            "rollcall.dead_letters", "dead_letters.sql", *_QUERIES
        )

    async def count(self, connection: Any, wanted: LetterFilter) -> list[LetterCount]:
        """How many of each error and state there are, the most frequent first."""
        rows = await connection.fetch(self._count, self._group, *_arguments(wanted))
        return [LetterCount(**row) for row in rows]

    async def find(
        self, connection: Any, wanted: LetterFilter, limit: int, after: LetterId | None = None
    ) -> list[LetterSummary]:
        """At most `limit` dead letters in order of place, those behind `after`."""
        place = after or (None, None, None)
        rows = await connection.fetch(self._find, self._group, *_arguments(wanted), *place, limit)
        return [_summary(dict(row)) for row in rows]

    async def contents(self, connection: Any, ids: Sequence[LetterId]) -> list[StoredRecord]:
        """The records themselves, in order of place."""
        rows = await connection.fetch(self._contents, self._group, *_columns(ids))
        return [_record(row) for row in rows]

    async def settle(
        self, connection: Any, ids: Sequence[LetterId], decision: Decision
    ) -> list[LetterId]:
        """Settle those that are still dead, with their audit rows, in the open transaction.

        Returns which they were. The rows stay locked until the transaction ends.
        """
        rows = await connection.fetch(
            self._settle,
            self._group,
            *_columns(ids),
            decision.state,
            decision.operator,
            decision.action,
            decision.reason,
        )
        return [LetterId(*row) for row in rows]

    async def history(self, connection: Any, id_: LetterId) -> list[AuditEntry]:
        """What was done to one dead letter, oldest first."""
        rows = await connection.fetch(self._history, self._group, str(id_))
        return [AuditEntry(**row) for row in rows]


def _columns(ids: Sequence[LetterId]) -> list[list[Any]]:
    return [[getattr(id_, name) for id_ in ids] for name in LetterId._fields]


def _arguments(wanted: LetterFilter) -> list[Any]:
    places = [None, None, None] if wanted.ids is None else _columns(wanted.ids)
    return [
        wanted.topic,
        wanted.error_type,
        wanted.fingerprint,
        wanted.state,
        wanted.since,
        wanted.until,
        wanted.text,
        *places,
    ]


def _place(row: dict[str, Any]) -> LetterId:
    return LetterId(row.pop("topic"), row.pop("partition"), row.pop("record_offset"))


def _summary(row: dict[str, Any]) -> LetterSummary:
    return LetterSummary(_place(row), **row)


def _record(row: Any) -> StoredRecord:
    headers = [
        (name, None if value is None else b64decode(value))
        for name, value in orjson.loads(row["record_headers"])
    ]
    return StoredRecord(
        LetterId(row["topic"], row["partition"], row["record_offset"]),
        row["record_key"],
        row["record_value"],
        headers,
        row["record_timestamp"],
        orjson.loads(row["bisection_trace"]),
        row["instance_id"],
    )
