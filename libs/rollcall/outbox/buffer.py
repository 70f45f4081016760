"""Events of one transaction on their way into segments."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rollcall.outbox.encoding import encode_event
from rollcall.outbox.event import Event, OutgoingRecord, lane_of, require_event, require_events
from rollcall.outbox.raw_record import RawRecord
from rollcall.outbox.segment import SegmentCodec
from rollcall.outbox.store import OutboxStore
from rollcall.topology import Topology

if TYPE_CHECKING:
    from rollcall.tracing.transaction_spans import TransactionSpans

# A lane's events are written out as a segment of their own beyond this size, to bound memory.
SEGMENT_MAX_BYTES = 2 * 1024 * 1024


class OutboxBuffer:
    """Collects encoded events by lane and writes them as segments of the open transaction."""

    def __init__(
        self,
        connection: Any,
        store: OutboxStore,
        codec: SegmentCodec,
        topology: Topology,
        lanes: int,
        source: str,
        spans: "TransactionSpans | None" = None,
    ) -> None:
        self._connection = connection
        self._store = store
        self._codec = codec
        self._topology = topology
        self._lanes = lanes
        self._source = source
        self._spans = spans
        self._now = datetime.now(UTC)
        self._records: dict[int, list[OutgoingRecord | RawRecord]] = defaultdict(list)
        self._bytes: dict[int, int] = defaultdict(int)
        self.touched_lanes: set[int] = set()
        self.published = 0

    async def publish(self, events: Iterable[Event] | None) -> None:
        """Encode events; lanes that have become large are written out at once.

        Raises:
            ConfigurationError: these are no events, or none that a topic of the service carries.
        """
        for event in require_events(events):
            if event.__class__ is not Event or event.key.__class__ is not str:  # no call for each
                require_event(event)
            topic = self._topology.topic_of(type(event.data)).name
            record = encode_event(event, topic, self._source, self._now)
            lane = lane_of(record.key, self._lanes)
            traced = self._traced(record, event) if self._spans is not None else record
            self._records[lane].append(traced)
            self._bytes[lane] += len(record.value)
            self.published += 1
            if self._bytes[lane] >= SEGMENT_MAX_BYTES:
                await self._write([lane])

    def _traced(self, record: OutgoingRecord, event: Event) -> OutgoingRecord | RawRecord:
        """The record with its trace's headers, if it belongs to one."""
        assert self._spans is not None
        context = self._spans.context_of(event, record.topic)
        if context is None:
            return record
        return RawRecord(record.topic, record.key, record.value, context.headers())

    async def flush(self) -> None:
        """Write what is left; call once, after every handler."""
        await self._write(sorted(self._records))

    async def _write(self, lanes: Iterable[int]) -> None:
        segments = []
        for lane in lanes:
            records = self._records.pop(lane)
            del self._bytes[lane]
            segments.append((lane, len(records), self._codec.encode(records)))
            self.touched_lanes.add(lane)
        if segments:
            await self._store.append(self._connection, segments)
