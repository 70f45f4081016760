"""What the slots of one batch add up to. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from rollcall_cluster.auditor.digests import (
    assignment_digest,
    digest,
    essay_ids_digest,
    failed_item,
    origin_text,
    ready_item,
    unordered,
)
from rollcall_cluster.auditor.sighting import Kind, Source

SlotRow = Mapping[str, Any]
Row = tuple[Any, ...]


class RollCall:
    """Goes through slots in order of batch and position; holds the slots of one batch at a time."""

    def __init__(self) -> None:
        self._batch: bytes | None = None
        self._slots: list[SlotRow] = []

    def take(self, slots: Iterable[SlotRow]) -> Iterator[Row]:
        """Take more slots; gives a row of `roll` for each batch that they complete."""
        for batch, members in groupby(slots, key=itemgetter("batch")):
            if batch != self._batch:
                yield from self.finish()
                self._batch = batch
            self._slots.extend(members)

    def finish(self) -> Iterator[Row]:
        """The row of the batch at hand, if there is one."""
        if self._slots:
            yield roll_row(self._slots)
        self._slots = []


def roll_row(slots: Sequence[SlotRow]) -> Row:
    """A row of `roll` for all slots of one batch, in order of position."""
    states = [slot["state"] for slot in slots]
    essays = [slot["essay_id"] for slot in slots]
    distinct = min(len(set(essays)), len({slot["position"] for slot in slots}))
    return (
        slots[0]["batch"],
        len(slots),
        states.count("open"),
        states.count("filled"),
        states.count("failed"),
        states.count("missing"),
        len(slots) - distinct,
        sum(map(_contradicts_itself, slots)),
        essay_ids_digest(essays),
        unordered(
            sum(
                ready_item(slot["essay_id"], slot["text_storage_id"])
                for slot in slots
                if slot["state"] == "filled"
            )
        ),
        unordered(sum(_failed_item(slot) for slot in slots if slot["state"] == "failed")),
        essay_ids_digest(slot["essay_id"] for slot in slots if slot["state"] == "missing"),
    )


def slot_sighting(slot: SlotRow) -> Row | None:
    """A row of `sighting` for what holds a slot; none for an open one."""
    failure = slot["state"] == "failed"
    identity = slot["file_upload_id"] if failure else slot["text_storage_id"]
    if identity is None:
        return None
    position = slot["position"]
    origin = _origin(slot, failure)
    stated = None if failure else assignment_digest(slot["essay_id"], position, origin)
    kind = _FAILURE if failure else _CONTENT
    return (
        slot["batch"],
        kind,
        identity,
        _SLOT,
        None,
        position,
        stated,
        digest(origin),
        None,
        None,
        slot.get("at"),
    )


def unplaced_sighting(row: SlotRow) -> Row:
    """A row of `sighting` for what is recorded as excess or pending."""
    failure = row["kind"] == "failure"
    origin = digest(_origin(row, failure))
    kind = _FAILURE if failure else _CONTENT
    source = _PENDING if row["outcome"] == "pending" else _EXCESS
    said = (None, None, origin, origin, None, None, row.get("at"))
    return (row["batch"], kind, row["identity"], source, *said)


def _contradicts_itself(slot: SlotRow) -> bool:
    """A filled slot holds a content alone, a failed one a failure alone, an open one neither."""
    held = (slot["text_storage_id"] is not None, slot["validation_error_code"] is not None)
    return held != (slot["state"] == "filled", slot["state"] == "failed")


def _failed_item(slot: SlotRow) -> int:
    return failed_item(
        slot["essay_id"],
        slot["file_upload_id"],
        slot["original_file_name"],
        slot["validation_error_code"],
        slot["validation_error_detail"],
    )


def _origin(row: SlotRow, failure: bool) -> str:
    return origin_text(
        row["file_upload_id"],
        row["original_file_name"],
        row["raw_file_storage_id"],
        row["file_size_bytes"],
        row["validation_error_code"] if failure else row["content_md5_hash"],
    )


_CONTENT, _FAILURE = Kind.CONTENT.value, Kind.FAILURE.value
_SLOT, _EXCESS, _PENDING = Source.SLOT.value, Source.EXCESS.value, Source.PENDING.value
