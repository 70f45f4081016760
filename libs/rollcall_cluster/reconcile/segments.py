"""Segments that the restored database still has to publish, although Kafka holds them."""

from uuid import UUID

import orjson

from rollcall.outbox.event import OutgoingRecord
from rollcall.outbox.raw_record import RawRecord
from rollcall.outbox.segment import SegmentCodec
from rollcall_cluster.reconcile.published import mark_of
from rollcall_cluster.reconcile.statements import Statements
from rollcall_events.topics import TOPICS

_OUTPUTS = frozenset(topic.name for topic in TOPICS if topic.direction == "out")


async def drop_published(statements: Statements, codec: SegmentCodec, lane: int, seq: int) -> int:
    """Forget what is published and have the lane go on behind `seq`; returns how many segments went.

    A segment is published as a whole, so its first event tells. Redriven records are left: to handle
    one twice changes nothing.
    """
    dropped = await statements.execute("drop_numbered", lane, seq)
    after = 0
    while rows := await statements.fetch("unnumbered", lane, after):
        for segment_id, payload in rows:
            after = segment_id
            first = codec.decode(payload)[0]
            if first.topic in _OUTPUTS and await _is_told(statements, first):
                dropped += await statements.execute("drop_segment", segment_id)
    await statements.execute("advance", lane, seq)
    return dropped


async def _is_told(statements: Statements, record: OutgoingRecord | RawRecord) -> bool:
    event_id = UUID(orjson.loads(record.value or b"")["event_id"])
    mark = mark_of(record.headers) if isinstance(record, RawRecord) else None
    if mark is not None:
        return bool(await statements.value("is_marked", event_id, mark[0]))
    return bool(await statements.value("is_told", event_id))
