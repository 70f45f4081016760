"""What an output record says, as rows of the scratch database. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

from rollcall_cluster.auditor.announcement_facts import announcement_row
from rollcall_cluster.auditor.digests import assignment_digest, origin_digest
from rollcall_cluster.auditor.logbook import Logbook
from rollcall_cluster.auditor.sighting import Kind, Source, place_in_lane, rank_of
from rollcall_events import (
    DeadLetterV1,
    EssaySlotAssignedV1,
    EventData,
    ExcessContentProvisionedV1,
    dead_letter_event_id,
    describe,
    deterministic_event_id,
)

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
        self._validate = model.envelope().__pydantic_validator__.validate_json
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
        except (ValueError, StopIteration) as error:
            self._flaw("publication-unplaced", record.offset, str(error) or "no lane-seq header")
            return None, None
        if self._last_rank.get(lane, -1) > rank:
            before = place_in_lane(lane, self._last_rank[lane])
            self._flaw(
                "published-out-of-order",
                record.offset,
                f"{place_in_lane(lane, rank)} stands behind {before}",
            )
        self._last_rank[lane] = rank
        self._rows["publication"].append((lane, rank, self._log, record.offset))
        return lane, rank

    def _take(self, envelope: Any, record: Any, lane: int | None, rank: int | None) -> None:
        data, offset = envelope.data, record.offset
        early = offset < self._early_end
        content = ""
        if row := _SIGHTINGS.get(self._model):
            content = data.text_storage_id
            self._rows["sighting"].append(row(data, early, self._log, offset, lane, rank))
        else:
            self._rows["announcement"].append(
                announcement_row(data, early, self._log, offset, lane, rank)
            )
        if record.key != str(data.batch_id).encode():
            self._flaw("event-key-differs", offset, f"key {record.key!r}, batch {data.batch_id}")
        expected = deterministic_event_id(self._model.event_type, data.batch_id, content)
        self._require_id(envelope, offset, expected)

    def _take_letter(self, envelope: Any, record: Any, lane: int | None, rank: int | None) -> None:
        letter: DeadLetterV1 = envelope.data
        if letter.consumer_group != self._group:
            return
        topic, partition, offset = (
            letter.origin_topic,
            letter.origin_partition,
            letter.origin_offset,
        )
        origin = self._logbook.number(topic, partition)
        early = record.offset < self._early_end
        self._rows["dead_letter_event"].append((origin, offset, early, self._log, record.offset))
        expected = dead_letter_event_id(self._group, topic, partition, offset)
        self._require_id(envelope, record.offset, expected)

    def _require_id(self, envelope: Any, offset: int, expected: Any) -> None:
        if envelope.event_id != expected:
            self._flaw("event-id-differs", offset, f"{envelope.event_id} instead of {expected}")

    def _flaw(self, code: str, offset: int, found: str) -> None:
        self._rows["flaw"].append((code, self._log, offset, found))


def _lane_and_rank(headers: Iterable[tuple[str, bytes]]) -> tuple[int, int]:
    """Read `lane:segment:index`.

    Raises:
        StopIteration: there is no such header. ValueError: it cannot be read.
    """
    value = next(value for name, value in headers if name == LANE_SEQ_HEADER)
    lane, seq, index = value.split(b":")
    return int(lane), rank_of(int(seq), int(index))


def _assigned(
    data: EssaySlotAssignedV1,
    early: bool,
    log: int,
    offset: int,
    lane: int | None,
    rank: int | None,
) -> Row:
    origin = _origin(data)
    source = Source.ASSIGNED_EARLY.value if early else Source.ASSIGNED.value
    digest = assignment_digest(data.essay_id, data.slot_position, origin)
    identity = data.text_storage_id
    return (
        data.batch_id.bytes,
        _CONTENT,
        identity,
        source,
        log,
        offset,
        digest,
        origin,
        lane,
        rank,
    )


def _excess(
    data: ExcessContentProvisionedV1,
    early: bool,
    log: int,
    offset: int,
    lane: int | None,
    rank: int | None,
) -> Row:
    origin = _origin(data)
    source = Source.EXCESS_EVENT_EARLY.value if early else Source.EXCESS_EVENT.value
    identity = data.text_storage_id
    return (
        data.batch_id.bytes,
        _CONTENT,
        identity,
        source,
        log,
        offset,
        origin,
        origin,
        lane,
        rank,
    )


def _origin(data: EssaySlotAssignedV1 | ExcessContentProvisionedV1) -> int:
    return origin_digest(
        data.file_upload_id,
        data.original_file_name,
        data.raw_file_storage_id,
        data.file_size_bytes,
        data.content_md5_hash,
    )


_CONTENT = Kind.CONTENT.value
_SIGHTINGS: dict[type[EventData], Callable[..., Row]] = {
    EssaySlotAssignedV1: _assigned,
    ExcessContentProvisionedV1: _excess,
}
