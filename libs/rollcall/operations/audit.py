"""The audit of operators' orders: who, when, what, before and after."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from rollcall.database.queries import load_queries


@dataclass(slots=True, frozen=True)
class Order:
    """On whose word something is done, and why. `dry_run`: do it, tell, and roll it back."""

    by: str
    reason: str = ""
    dry_run: bool = False


@dataclass(slots=True, frozen=True)
class AuditEntry:
    """What was done once. `subject` is what it was done to, `before` and `after` its state around it."""

    id: int
    at: datetime
    operator: str
    action: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str


@dataclass(slots=True, frozen=True)
class AuditFilter:
    """Selects entries for which everything given holds; `subject` and `operator` by how they begin."""

    action: str | None = None
    subject: str | None = None
    operator: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before_id: int | None = None


class AuditStore:
    """The audit of one consumer group's deployment, on the connection it is given."""

    def __init__(self, consumer_group: str) -> None:
        self._group = consumer_group
        self._write, self._find = load_queries("rollcall.operations", "audit.sql", "write", "find")

    async def write(
        self,
        connection: Any,
        order: Order,
        action: str,
        subject: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
    ) -> int:
        """Write down what the open transaction does; returns the entry's id."""
        entry: int = await connection.fetchval(
            self._write,
            order.by,
            action,
            self._group,
            subject,
            orjson.dumps(before).decode(),
            orjson.dumps(after).decode(),
            order.reason,
        )
        return entry

    async def find(self, connection: Any, wanted: AuditFilter, limit: int) -> list[AuditEntry]:
        """At most `limit` entries, the newest first."""
        rows = await connection.fetch(
            self._find,
            self._group,
            wanted.action,
            wanted.subject,
            wanted.operator,
            wanted.since,
            wanted.until,
            wanted.before_id,
            limit,
        )
        return [
            AuditEntry(
                **{
                    **row,
                    "before": orjson.loads(row["before"]),
                    "after": orjson.loads(row["after"]),
                }
            )
            for row in rows
        ]
