"""What an output record says, as rows of the scratch database. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from hashlib import sha1
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from rollcall_cluster.auditor.announcement_facts import announcement_row
from rollcall_cluster.auditor.digests import assignment_digest, digest, origin_text
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.orders import CORRECTION_HEADER, REPLAY_HEADER
from rollcall_cluster.auditor.sighting import Kind, Source, place_in_lane, rank_of
from rollcall_events import (
    DeadLetterV1,
    EssaySlotAssignedV1,
    EventData,
    ExcessContentProvisionedV1,
    ExcessReason,
    dead_letter_event_id,
    describe,
    deterministic_event_id,
)
from rollcall_events.identity import NAMESPACE

LANE_SEQ_HEADER = "lane-seq"

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]
"""Rows by table."""


class OutputFacts:
    """Turns records of one output partition, taken in order, into facts."""

    def __init__(
        self, model: type[EventData], log: int, early_end: int, group: str, logbook: Logbook
    ) -> None:
        self._model = model
        self._kind = model.event_type
        self._validate = model.envelope().__pydantic_validator__.validate_json
        self._content = _CONTENTS.get(model)
        self._log = log
        self._early_end = early_end
        self._group = group
        self._logbook = logbook
        self._last_rank: dict[int, int] = {}
        self._rows: Rows = {}

    def rows(self, records: Iterable[Any]) -> Rows:
        """Facts of the next records of the partition."""
        self._rows = defaultdict(list)
        take = self._take_letter if self._model is DeadLetterV1 else self._take
        for record in records:
            lane, rank = self._publication(record)
            try:
                envelope = self._validate(record.value or b"")
            except ValidationError as error:
                self._flaw("output-malformed", record.offset, describe(error))
            else:
                take(envelope, record, lane, rank)
        return self._rows

    def _publication(self, record: Any) -> tuple[int | None, int | None]:
        """Where the record stands in its lane, by its header."""
        try:
            lane, rank = _lane_and_rank(record.headers)
        except ValueError as error:
            self._flaw("publication-unplaced", record.offset, str(error))
            return None, None
        last = self._last_rank.get(lane, -1)
        if last > rank:
            found = f"{place_in_lane(lane, rank)} stands behind {place_in_lane(lane, last)}"
            self._flaw("published-out-of-order", record.offset, found)
        self._last_rank[lane] = rank
        self._rows["publication"].append((lane, rank, self._log, record.offset))
        return lane, rank

    def _take(self, envelope: Any, record: Any, lane: int | None, rank: int | None) -> None:
        data, offset, log = envelope.data, record.offset, self._log
        early = offset < self._early_end
        batch, content = str(data.batch_id), ""
        mark = _mark(record.headers) if len(record.headers) > 1 else None
        if self._content:
            content = data.text_storage_id
        if mark:
            entry, header = mark
            told = (data.batch_id.bytes, envelope.event_id.bytes, early, log, offset)
            self._rows["marked"].append((entry, header, *told))
        elif self._content:
            source, stated, closed = self._content(data, early)
            row = (data.batch_id.bytes, _CONTENT, content, source, log, offset, stated, closed)
            self._rows["sighting"].append((*row, lane, rank, None))
        else:
            row = announcement_row(data, early, log, offset, lane, rank)
            self._rows["announcement"].append(row)
        if record.key != batch.encode():
            self._flaw("event-key-differs", offset, f"key {record.key!r}, batch {batch}")
        if not is_event_id(envelope.event_id, f"{self._kind}/{batch}/{content}"):
            expected = deterministic_event_id(self._kind, data.batch_id, content)
            self._require_id(envelope, offset, expected)

    def _take_letter(self, envelope: Any, record: Any, lane: int | None, rank: int | None) -> None:
        letter: DeadLetterV1 = envelope.data
        if letter.consumer_group != self._group:
            return
        origin = (letter.origin_topic, letter.origin_partition)
        log, offset = self._logbook.number(*origin), letter.origin_offset
        early = record.offset < self._early_end
        about = digest(f"{letter.key_base64}\0{letter.value_base64}")
        self._rows["dead_letter_event"].append(
            (log, offset, early, self._log, record.offset, about)
        )
        expected = dead_letter_event_id(self._group, *origin, offset)
        self._require_id(envelope, record.offset, expected)

    def _require_id(self, envelope: Any, offset: int, expected: UUID) -> None:
        if envelope.event_id != expected:
            self._flaw("event-id-differs", offset, f"{envelope.event_id} instead of {expected}")

    def _flaw(self, code: str, offset: int, found: str) -> None:
        self._rows["flaw"].append((code, self._log, offset, found))


def is_event_id(given: UUID, name: str) -> bool:
    """Whether a deterministic id can be that of `name`: a quick look at all bits that UUIDv5 leaves as hashed.

    Four times as fast as making the id and comparing; a refusal is to be confirmed by doing that.
    """
    hashed, bits = sha1(_NAMESPACE + name.encode(), usedforsecurity=False).digest(), given.bytes
    return bits[:6] == hashed[:6] and bits[9:] == hashed[9:16]


def _lane_and_rank(headers: Iterable[tuple[str, bytes]]) -> tuple[int, int]:
    """Read `lane:segment:index`.

    Raises:
        ValueError: there is no such header, or it cannot be read.
    """
    for name, value in headers:
        if name == LANE_SEQ_HEADER:
            lane, seq, index = value.split(b":")
            return int(lane), rank_of(int(seq), int(index))
    raise ValueError("no lane-seq header")


def _mark(headers: Iterable[tuple[str, bytes]]) -> tuple[int, str] | None:
    """The audit's entry and the header by which an operator's order is told from the service's events."""
    for name, value in headers:
        if name in (REPLAY_HEADER, CORRECTION_HEADER):
            return (int(value) if value.isdigit() else -1), name
    return None


def _assigned(data: EssaySlotAssignedV1, early: bool) -> tuple[int, int, None]:
    source = _ASSIGNED_EARLY if early else _ASSIGNED
    return source, assignment_digest(data.essay_id, data.slot_position, _origin(data)), None


def _excess(data: ExcessContentProvisionedV1, early: bool) -> tuple[int, int, bool]:
    source = _EXCESS_EVENT_EARLY if early else _EXCESS_EVENT
    return source, digest(_origin(data)), data.reason is ExcessReason.BATCH_CLOSED


def _origin(data: EssaySlotAssignedV1 | ExcessContentProvisionedV1) -> str:
    return origin_text(
        data.file_upload_id,
        data.original_file_name,
        data.raw_file_storage_id,
        data.file_size_bytes,
        data.content_md5_hash,
    )


_NAMESPACE = NAMESPACE.bytes
_CONTENT = Kind.CONTENT.value
_ASSIGNED, _ASSIGNED_EARLY = Source.ASSIGNED.value, Source.ASSIGNED_EARLY.value
_EXCESS_EVENT, _EXCESS_EVENT_EARLY = Source.EXCESS_EVENT.value, Source.EXCESS_EVENT_EARLY.value
_CONTENTS: dict[type[EventData], Callable[[Any, bool], tuple[int, int, bool | None]]] = {
    EssaySlotAssignedV1: _assigned,
    ExcessContentProvisionedV1: _excess,
}
