"""A small deployment as plain data: the records of its topics and the rows of its tables.

`clean_world` is what a correct service leaves behind; tests change one thing in it and see it found.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5
from zlib import crc32

from rollcall_events import (
    DeadLetterV1,
    EventData,
    dead_letter_event_id,
    deterministic_event_id,
)
from rollcall_events.topics import topic_for

PARTITIONS = 3
LANES = 4
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GROUP = "audited"
SPACE = UUID("8f2c7a52-0000-4000-8000-000000000000")

Row = dict[str, Any]


def batch_named(name: str) -> UUID:
    """The same batch for the same name."""
    return uuid5(SPACE, name)


@dataclass
class Record:
    """A record with the offset that it will get."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    written: datetime | None = None
    """Now, unless it says otherwise."""


@dataclass
class World:
    """Records by topic name (without prefix), rows by table."""

    prefix: str = ""
    records: list[Record] = field(default_factory=list)
    tables: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    next_seq: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    offsets: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))

    # -- Kafka

    def append(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]] | None = None,
    ) -> Record:
        """Add a record behind the last one of its partition."""
        partition = crc32(key or b"") % PARTITIONS
        offset = self.offsets[(topic, partition)]
        self.offsets[(topic, partition)] += 1
        record = Record(topic, partition, offset, key, value, headers or [])
        self.records.append(record)
        return record

    def take_in(self, data: EventData, key: bytes | None = b"any") -> Record:
        """Add an input event."""
        return self.append(topic_for(type(data)).name, key, encoded(data))

    def announce(
        self,
        data: EventData,
        content: str = "",
        *,
        key: bytes | None = None,
        event_id: UUID | None = None,
        place: str | None = None,
        mark: tuple[str, int] | None = None,
    ) -> Record:
        """Add an output event; by default with the next place in its batch's lane.

        `mark`: the header of an operator's order, and the entry of the audit that it names.
        """
        if isinstance(data, DeadLetterV1):
            origin = (data.consumer_group, data.origin_topic, data.origin_partition)
            event_id = event_id or dead_letter_event_id(*origin, data.origin_offset)
            key = key or f"{data.origin_topic}-{data.origin_partition}".encode()
        else:
            event_id = event_id or deterministic_event_id(data.event_type, data.batch_id, content)
            key = key or str(data.batch_id).encode()
        headers = [("lane-seq", (place or self.next_place(key)).encode())]
        if mark:
            headers.append((mark[0], str(mark[1]).encode()))
        return self.append(topic_for(type(data)).name, key, encoded(data, event_id), headers)

    def next_place(self, key: bytes) -> str:
        """A segment of its own for each event."""
        lane = crc32(key) % LANES
        self.next_seq[lane] += 1
        return f"{lane}:{self.next_seq[lane]}:0"

    def finish(self) -> "World":
        """Note positions and lanes as a service at rest has them."""
        self.tables["position"] = [
            {"consumer_group": GROUP, "topic": self.prefix + t, "partition": p, "next_offset": n}
            for (t, p), n in sorted(self.offsets.items())
            if not t.startswith("els.")
        ]
        for lane in range(LANES):
            seq = self.next_seq[lane]
            self.tables["lane"].append({"lane": lane, "last_seq": seq, "published_seq": seq})
            if seq:
                self.records.append(
                    Record(
                        "els.relay.positions.v1",
                        lane,
                        0,
                        str(lane).encode(),
                        json.dumps({"seq": seq}).encode(),
                    )
                )
        return self

    # -- rows

    def order(self, action: str, subject: str, before: Row, after: Row) -> int:
        """Write down what an operator did; returns the entry's id."""
        self.tables["operator_audit"].append(
            {
                "operator": "ops",
                "action": action,
                "consumer_group": GROUP,
                "subject": subject,
                "before": json.dumps(before),
                "after": json.dumps(after),
            }
        )
        return len(self.tables["operator_audit"])

    def row(self, table: str, **wanted: Any) -> Row:
        """The first row that has the wanted values."""
        return next(
            row
            for row in self.tables[table]
            if all(row[column] == value for column, value in wanted.items())
        )

    def remove(self, table: str, **wanted: Any) -> Row:
        """Take the first row that has the wanted values out of its table."""
        row = self.row(table, **wanted)
        self.tables[table].remove(row)
        return row

    def drop(self, topic: str, offset_of: int = 0) -> Record:
        """Take a record of a topic away; the offsets behind it move up."""
        mine = [record for record in self.records if record.topic == topic]
        gone = mine[offset_of]
        self.records.remove(gone)
        self.offsets[(topic, gone.partition)] -= 1
        for record in mine:
            if record.partition == gone.partition and record.offset > gone.offset:
                record.offset -= 1
        return gone

    def of(self, model: type[EventData]) -> list[Record]:
        """Records of the topic that carries a model."""
        return [record for record in self.records if record.topic == topic_for(model).name]


def encoded(data: EventData, event_id: UUID | None = None) -> bytes:
    """An event as it travels."""
    envelope = data.enveloped(
        event_id=event_id or uuid5(SPACE, repr(data)),
        event_timestamp=NOW,
        source_service="test",
        correlation_id=SPACE,
    )
    return envelope.model_dump_json().encode()
