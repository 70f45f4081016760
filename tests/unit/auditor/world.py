"""A small deployment as plain data: the records of its topics and the rows of its tables.

`clean_world` is what a correct service leaves behind; tests change one thing in it and see it found.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5
from zlib import crc32

from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    BatchEssaysRegisteredV1,
    BatchValidationErrorsV1,
    DeadLetterV1,
    EssayContentProvisionedV1,
    EssaySlotAssignedV1,
    EssayValidationFailedV1,
    EventData,
    ExcessContentProvisionedV1,
    ExcessReason,
    ValidationErrorCode,
    dead_letter_event_id,
    deterministic_event_id,
)
from rollcall_events.topics import topic_for

PARTITIONS = 3
LANES = 4
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GROUP = "audited"
_SPACE = UUID("8f2c7a52-0000-4000-8000-000000000000")

Row = dict[str, Any]


def batch_named(name: str) -> UUID:
    """The same batch for the same name."""
    return uuid5(_SPACE, name)


@dataclass
class Record:
    """A record with the offset that it will get."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]] = field(default_factory=list)


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
    ) -> Record:
        """Add an output event; by default with the next place in its batch's lane."""
        if isinstance(data, DeadLetterV1):
            origin = (data.consumer_group, data.origin_topic, data.origin_partition)
            event_id = event_id or dead_letter_event_id(*origin, data.origin_offset)
            key = key or f"{data.origin_topic}-{data.origin_partition}".encode()
        else:
            event_id = event_id or deterministic_event_id(data.event_type, data.batch_id, content)
            key = key or str(data.batch_id).encode()
        headers = [("lane-seq", (place or self.next_place(key)).encode())]
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
        event_id=event_id or uuid5(_SPACE, repr(data)),
        event_timestamp=NOW,
        source_service="test",
        correlation_id=_SPACE,
    )
    return envelope.model_dump_json().encode()


def registration(batch: UUID, essays: int, **changes: Any) -> BatchEssaysRegisteredV1:
    """A registration of so many essays."""
    values = {
        "batch_id": batch,
        "expected_essay_count": essays,
        "essay_ids": tuple(f"essay-{number}" for number in range(essays)),
        "course_code": "SV1",
        "essay_instructions": "Write.",
        "user_id": "teacher",
    }
    return BatchEssaysRegisteredV1(**values | changes)


def content(batch: UUID, text: str, **changes: Any) -> EssayContentProvisionedV1:
    """A content."""
    values = {
        "batch_id": batch,
        "file_upload_id": f"file-of-{text}",
        "original_file_name": f"{text}.docx",
        "raw_file_storage_id": f"raw-{text}",
        "text_storage_id": text,
        "file_size_bytes": 100,
        "content_md5_hash": "d41d8cd98f00b204e9800998ecf8427e",
    }
    return EssayContentProvisionedV1(**values | changes)


def failure(batch: UUID, file: str) -> EssayValidationFailedV1:
    """A validation failure."""
    return EssayValidationFailedV1(
        batch_id=batch,
        file_upload_id=file,
        original_file_name=f"{file}.docx",
        validation_error_code=ValidationErrorCode.EMPTY_CONTENT,
        validation_error_detail="nothing in it",
        file_size_bytes=0,
    )


def assigned(slot: Row, **changes: Any) -> EssaySlotAssignedV1:
    """The announcement of a filled slot."""
    names = (
        "batch_id",
        "essay_id",
        "text_storage_id",
        "file_upload_id",
        "original_file_name",
        "raw_file_storage_id",
        "file_size_bytes",
        "content_md5_hash",
    )
    values = {name: slot[name] for name in names} | {"slot_position": slot["position"]}
    return EssaySlotAssignedV1(**values | changes)


def excess(row: Row) -> ExcessContentProvisionedV1:
    """The announcement of an excess content."""
    names = (
        "batch_id",
        "file_upload_id",
        "original_file_name",
        "raw_file_storage_id",
        "file_size_bytes",
        "content_md5_hash",
    )
    return ExcessContentProvisionedV1(
        **{name: row[name] for name in names},
        text_storage_id=row["identity"],
        reason=ExcessReason.NO_AVAILABLE_SLOT,
    )


def completion(world: World, batch: UUID) -> list[EventData]:
    """The announcements of a complete batch."""
    row = world.row("batch", batch_id=batch)
    slots = [slot for slot in world.tables["slot"] if slot["batch_id"] == batch]
    context = {"batch_id": batch, "course_code": row["course_code"], "user_id": row["user_id"]}
    ready = [
        {"essay_id": s["essay_id"], "text_storage_id": s["text_storage_id"]}
        for s in slots
        if s["state"] == "filled"
    ]
    errors = [
        {
            "essay_id": s["essay_id"],
            "file_upload_id": s["file_upload_id"],
            "original_file_name": s["original_file_name"],
            "validation_error_code": ValidationErrorCode(s["validation_error_code"]),
            "validation_error_detail": s["validation_error_detail"],
        }
        for s in slots
        if s["state"] == "failed"
    ]
    events: list[EventData] = [
        BatchContentProvisioningCompletedV1(
            **context,
            expected_count=len(slots),
            provisioned_count=len(ready),
            failed_count=len(errors),
            essays_for_processing=ready,
        ),
        BatchEssaysReadyV1(
            **context, ready_essays=ready, essay_instructions=row["essay_instructions"]
        ),
    ]
    if errors:
        events.append(
            BatchValidationErrorsV1(batch_id=batch, failed_count=len(errors), errors=errors)
        )
    return events


class Service:
    """What a correct service would do to the world, one record after the other."""

    def __init__(self, world: World) -> None:
        self._world = world

    def open(self, batch: UUID, essays: int) -> None:
        """Open a batch with its slots."""
        data = registration(batch, essays)
        self._world.take_in(data)
        self._world.tables["batch"].append(_batch_row(data))
        self._world.tables["slot"].extend(_slot_row(data, n) for n in range(essays))

    def register(self, batch: UUID, essays: int) -> None:
        """Open a batch, unless it is open already; place what waited for it."""
        if self._is_open(batch):
            self._world.take_in(registration(batch, essays))
            return
        self.open(batch, essays)
        unplaced = self._world.tables["unplaced"]
        for row in [row for row in unplaced if row["batch_id"] == batch]:
            unplaced.remove(row)
            self._place(batch, row["kind"], row["identity"], _claim(row))

    def provide(self, data: EssayContentProvisionedV1) -> None:
        """Give a content its slot, or keep it; once."""
        self._world.take_in(data)
        claim = data.model_dump(exclude={"batch_id", "text_storage_id"})
        if not self._is_known(data.batch_id, "content", data.text_storage_id):
            self._place(data.batch_id, "content", data.text_storage_id, claim)

    def fail(self, data: EssayValidationFailedV1) -> None:
        """Give a failure its slot, or keep it; once."""
        self._world.take_in(data)
        claim = data.model_dump(mode="json", exclude={"batch_id"})
        if not self._is_known(data.batch_id, "failure", data.file_upload_id):
            self._place(data.batch_id, "failure", data.file_upload_id, claim)

    def _place(self, batch: UUID, kind: str, identity: str, claim: Row) -> None:
        slot = self._open_slot(batch)
        if slot and kind == "content":
            slot |= claim | {"state": "filled", "text_storage_id": identity}
            self._world.announce(assigned(slot), identity)
            self._count(batch, "filled_count")
        elif slot:
            slot |= claim | {"state": "failed"}
            self._count(batch, "failed_count")
        else:
            self._keep(batch, kind, identity, claim)

    def bury(self, record: Record, state: str = "dead") -> None:
        """Make a record a dead letter."""
        self._world.tables["dead_letter"].append(
            {
                "consumer_group": GROUP,
                "topic": self._world.prefix + record.topic,
                "partition": record.partition,
                "record_offset": record.offset,
                "error_type": "malformed",
                "error_message": "broken",
                "instance_id": "test",
                "state": state,
            }
        )
        self._world.announce(letter(self._world, record))

    def _open_slot(self, batch: UUID) -> Row | None:
        slots = self._world.tables["slot"]
        return next((s for s in slots if s["batch_id"] == batch and s["state"] == "open"), None)

    def _count(self, batch: UUID, counter: str) -> None:
        row = self._world.row("batch", batch_id=batch)
        row[counter] += 1
        row["open_count"] -= 1
        if row["open_count"] == 0:
            row |= {"state": "completed", "completed_at": NOW}
            self._world.tables["completion"].append({"batch_id": batch})
            for event in completion(self._world, batch):
                self._world.announce(event)

    def _keep(self, batch: UUID, kind: str, identity: str, claim: Row) -> None:
        outcome = "excess" if self._is_open(batch) else "pending"
        row = unplaced_row(batch, kind, identity, outcome, **claim)
        self._world.tables["unplaced"].append(row)
        if (kind, outcome) == ("content", "excess"):
            self._world.announce(excess(row), identity)

    def _is_open(self, batch: UUID) -> bool:
        return any(row["batch_id"] == batch for row in self._world.tables["batch"])

    def _is_known(self, batch: UUID, kind: str, identity: str) -> bool:
        taken = {"content": ("filled", "text_storage_id"), "failure": ("failed", "file_upload_id")}
        state, column = taken[kind]
        key = (batch, kind, identity)
        return any(
            (slot["batch_id"], slot["state"], slot[column]) == (batch, state, identity)
            for slot in self._world.tables["slot"]
        ) or any(
            (row["batch_id"], row["kind"], row["identity"]) == key
            for row in self._world.tables["unplaced"]
        )


_CLAIM = (
    "file_upload_id",
    "original_file_name",
    "raw_file_storage_id",
    "file_size_bytes",
    "content_md5_hash",
    "validation_error_code",
    "validation_error_detail",
)


def _claim(row: Row) -> Row:
    return {column: row[column] for column in _CLAIM}


def letter(world: World, record: Record, **changes: Any) -> DeadLetterV1:
    """The announcement of a dead letter."""
    values = {
        "origin_topic": world.prefix + record.topic,
        "origin_partition": record.partition,
        "origin_offset": record.offset,
        "consumer_group": GROUP,
        "error_type": "malformed",
        "error_message": "broken",
        "attempts": 1,
        "first_seen_at": NOW,
        "instance_id": "test",
    }
    return DeadLetterV1(**values | changes)


def _batch_row(data: BatchEssaysRegisteredV1) -> Row:
    return {
        "batch_id": data.batch_id,
        "expected_count": data.expected_essay_count,
        "open_count": data.expected_essay_count,
        "filled_count": 0,
        "failed_count": 0,
        "state": "open",
        "course_code": data.course_code,
        "essay_instructions": data.essay_instructions,
        "user_id": data.user_id,
        "correlation_id": _SPACE,
        "registration_digest": b"",
        "registered_at": NOW,
        "completed_at": None,
    }


def _slot_row(data: BatchEssaysRegisteredV1, position: int) -> Row:
    return {
        "batch_id": data.batch_id,
        "position": position,
        "essay_id": data.essay_ids[position],
        "state": "open",
        "text_storage_id": None,
        "file_upload_id": None,
        "original_file_name": None,
        "raw_file_storage_id": None,
        "file_size_bytes": None,
        "content_md5_hash": None,
        "validation_error_code": None,
        "validation_error_detail": None,
    }


def unplaced_row(batch: UUID, kind: str, identity: str, outcome: str, **claim: Any) -> Row:
    """A row of `unplaced`."""
    return {
        "batch_id": batch,
        "kind": kind,
        "identity": identity,
        "outcome": outcome,
        "content_md5_hash": None,
        "validation_error_code": None,
        "validation_error_detail": None,
        "correlation_id": _SPACE,
        "first_seen_at": NOW - timedelta(hours=1),
    } | claim


FULL = batch_named("full")
FAILED = batch_named("failed")
OPEN = batch_named("open")
UNKNOWN = batch_named("unknown")


def clean_world(prefix: str = "") -> World:
    """Full, failed, open and unregistered batches, excess, repetitions, every sort of bad record.

    `World.finish` has to follow, when everything is in place.
    """
    world = World(prefix)
    service = Service(world)
    service.provide(content(FULL, "one"))
    service.register(FULL, 3)
    for text in ("two", "three", "two", "four", "five", "four"):
        service.provide(content(FULL, text))
    world.take_in(content(FULL, "two"), key=None)
    service.register(FULL, 3)
    service.bury(world.take_in(registration(FULL, 3, course_code="other")))
    service.register(FAILED, 3)
    service.provide(content(FAILED, "one"))
    service.fail(failure(FAILED, "broken"))
    service.fail(failure(FAILED, "broken"))
    service.provide(content(FAILED, "six", file_upload_id="broken", content_md5_hash=None))
    service.fail(failure(FAILED, "late"))
    service.register(OPEN, 3)
    service.provide(content(OPEN, "seven"))
    service.provide(content(UNKNOWN, "early"))
    service.fail(failure(UNKNOWN, "early"))
    _bad_records(world, service)
    return world


def _bad_records(world: World, service: Service) -> None:
    topic = topic_for(EssayContentProvisionedV1).name
    sound = encoded(content(FULL, "never"))
    world.append(topic, b"any", sound.replace(b"EssayContentProvisionedV1", b"SomethingElseV9"))
    for value in (
        b"not json",
        b"[]",
        b"\xff\xfe",
        sound.replace(b'"schema_version":1', b'"schema_version":2'),
        sound.replace(b'"file_size_bytes":100', b'"file_size_bytes":"many"'),
        sound + b" " * 1_100_000,
        b"",
        None,
    ):
        service.bury(world.append(topic, b"any", value))
    # Sound, but no handler could take it; another that went through when it was tried again.
    service.bury(world.take_in(content(FULL, "poison")))
    service.provide(content(OPEN, "redriven"))
    redriven = world.of(EssayContentProvisionedV1)[-1]
    service.bury(redriven, state="redriven")
