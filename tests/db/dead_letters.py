"""Rows of dead letters as the service leaves them, for tests of what an operator does with them."""

from typing import Any

import orjson

from rollcall.dead_letters.letter import LetterId
from rollcall.dead_letters.operations import DeadLetters
from rollcall.outbox.raw_record import RawRecord
from rollcall.outbox.segment import SegmentCodec
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS

GROUP = "group"
PREFIX = "test."
NAME = "file.essay.content.provisioned.v1"
TOPIC = PREFIX + NAME

_INSERT = """
INSERT INTO dead_letter (
    consumer_group, topic, partition, record_offset, record_key, record_value, record_headers, error_type,
    error_message, stack_fingerprint, bisection_trace, instance_id, state, last_seen_at
) VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'finder', $12,
    now() - make_interval(hours => $13)
)
"""


def operations(connection: Any) -> DeadLetters:
    """An operator's hands on the test's dead letters."""
    return DeadLetters(connection, Topology(TOPICS), GROUP, PREFIX)


def place(offset: int, partition: int = 0, topic: str = TOPIC) -> LetterId:
    """Where a dead letter was read."""
    return LetterId(topic, partition, offset)


async def bury(
    connection: Any,
    offset: int,
    *,
    partition: int = 0,
    topic: str = TOPIC,
    group: str = GROUP,
    key: bytes | None = b"key",
    value: bytes | None = b"value",
    headers: list[list[str | None]] | None = None,
    error_type: str = "malformed",
    message: str = "not JSON",
    fingerprint: str | None = None,
    trace: list[str] | None = None,
    state: str = "dead",
    hours_ago: int = 0,
) -> LetterId:
    """Insert a dead letter."""
    await connection.execute(
        _INSERT,
        group,
        topic,
        partition,
        offset,
        key,
        value,
        orjson.dumps(headers or []).decode(),
        error_type,
        message,
        fingerprint,
        orjson.dumps(trace or []).decode(),
        state,
        hours_ago,
    )
    return place(offset, partition, topic)


async def open_lanes(connection: Any, lanes: int = 4) -> None:
    """Do what the first replica does."""
    await connection.execute("INSERT INTO lane SELECT generate_series(0, $1::int - 1)", lanes)


async def states(connection: Any) -> dict[int, str]:
    """The state of each dead letter by its offset."""
    rows = await connection.fetch("SELECT record_offset, state FROM dead_letter")
    return {row["record_offset"]: row["state"] for row in rows}


async def audit(connection: Any) -> list[tuple[Any, ...]]:
    """Operator, action, reason, offset and states of each audit row, oldest first."""
    rows = await connection.fetch(
        "SELECT operator, action, reason, record_offset, state_before, state_after"
        " FROM dead_letter_audit ORDER BY id"
    )
    return [tuple(row) for row in rows]


async def outgoing(connection: Any) -> list[RawRecord]:
    """Records that wait for the relay, lane after lane."""
    rows = await connection.fetch("SELECT payload FROM segment ORDER BY lane, id")
    codec = SegmentCodec()
    return [record for row in rows for record in codec.decode(row["payload"])]


def origins(records: list[RawRecord]) -> list[str]:
    """Which dead letters the records are."""
    return [dict(record.headers)["rollcall-redriven-from"].decode() for record in records]
