"""Rejected records: kept in PostgreSQL and announced, in the transaction that moves past them."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from rollcall.consumer.records import Rejected
from rollcall.database.queries import load_queries
from rollcall.outbox.event import Event
from rollcall.settings import ServiceSettings
from rollcall_events import DeadLetterV1, Failure, Origin, dead_letter_event_id


class DeadLetterStore:
    """Writes dead letters of one consumer group."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        (self._record,) = load_queries("rollcall.consumer", "dead_letters.sql", "record")

    async def record(self, connection: Any, rejected: Sequence[Rejected]) -> list[Event]:
        """Keep rejected records; returns the events that announce them.

        A record that is met again, after a replay of its log, was announced before.
        """
        if not rejected:
            return []
        columns = zip(*(_row(item) for item in rejected), strict=True)
        rows = await connection.fetch(
            self._record,
            self._settings.consumer_group,
            self._settings.instance_id,
            *map(list, columns),
        )
        now = datetime.now(UTC)
        new = {(topic, number, offset) for topic, number, offset, is_new in rows if is_new}
        return [
            self._announce(item, now)
            for item in rejected
            if (*item.record.partition, item.record.offset) in new
        ]

    def _announce(self, item: Rejected, now: datetime) -> Event:
        group, (topic, partition), offset = (
            self._settings.consumer_group,
            item.record.partition,
            item.record.offset,
        )
        letter = DeadLetterV1.of_record(
            Origin(topic, partition, offset, group),
            Failure(
                item.error_type,
                item.error_message,
                item.stack_fingerprint,
                item.attempts,
                now,
                self._settings.instance_id,
            ),
            key=item.record.key,
            value=item.record.value,
            headers=item.record.headers,
        )
        event_id = dead_letter_event_id(group, topic, partition, offset)
        causes = (item.record.trace,) if item.record.trace else ()
        return Event(letter, event_id, event_id, str(item.record.partition), causes)


def _row(item: Rejected) -> tuple[object, ...]:
    record = item.record
    return (
        record.partition.topic,
        record.partition.number,
        record.offset,
        record.key,
        record.value,
        _headers(item),
        record.timestamp,
        item.error_type,
        _storable(item.error_message),
        item.stack_fingerprint,
        item.attempts,
        orjson.dumps([_storable(line) for line in item.bisection_trace]).decode(),
    )


def _headers(item: Rejected) -> str:
    return orjson.dumps(
        [
            [_storable(name), None if value is None else b64encode(value).decode()]
            for name, value in item.record.headers
        ]
    ).decode()


def _storable(text: str) -> str:
    """The text as PostgreSQL can hold it: neither NUL nor half a surrogate pair."""
    return text.encode(errors="replace").decode().replace("\0", "\N{SYMBOL FOR NULL}")
