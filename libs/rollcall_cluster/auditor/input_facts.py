"""What an input record says, as rows of the scratch database. Pure.

Decoding is the consumers' own: the models' envelopes decide what a record is.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from pydantic import ValidationError

from rollcall_cluster.auditor.digests import (
    context_digest,
    digest,
    essay_ids_digest,
    origin_text,
)
from rollcall_cluster.auditor.sighting import Kind, Source
from rollcall_events import (
    BatchEssaysRegisteredV1,
    EssayContentProvisionedV1,
    EssayValidationFailedV1,
    EventData,
    Undecodable,
    classify,
    describe,
)

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]
"""Rows by table."""

UNDECODABLE = "undecodable"
UNKNOWN_TYPE = "unknown type"


class InputFacts:
    """Turns records of one input partition into facts."""

    def __init__(self, model: type[EventData], log: int, record_max_bytes: int) -> None:
        self._validate = model.envelope().__pydantic_validator__.validate_json
        self._log = log
        self._max_bytes = record_max_bytes
        self._table, self._fact = _FACTS[model]

    def rows(self, records: Iterable[Any], dead: Collection[int]) -> Rows:
        """Facts of `records`; `dead` holds the offsets of those that have a dead letter."""
        facts: list[Row] = []
        verdicts: list[Row] = []
        log, fact, validate, limit = self._log, self._fact, self._validate, self._max_bytes
        for record in records:
            value, offset = record.value, record.offset
            if not value or len(value) > limit:
                reason = f"{len(value)} bytes" if value else "empty value"
                verdicts.append((UNDECODABLE, log, offset, offset in dead, reason))
                continue
            try:
                data = validate(value).data
            except ValidationError as error:
                verdicts.append(self._verdict(error, offset, offset in dead))
            else:
                facts.append(fact(data, log, offset, offset in dead))
        return {self._table: facts, "verdict": verdicts}

    def _verdict(self, error: ValidationError, offset: int, dead: bool) -> Row:
        verdict = UNDECODABLE
        if classify(error) is Undecodable.UNKNOWN_TYPE:
            verdict = UNKNOWN_TYPE
        return (verdict, self._log, offset, dead, describe(error))


def _content(data: EssayContentProvisionedV1, log: int, offset: int, dead: bool) -> Row:
    origin = origin_text(
        data.file_upload_id,
        data.original_file_name,
        data.raw_file_storage_id,
        data.file_size_bytes,
        data.content_md5_hash,
    )
    source = _DEAD_INPUT if dead else _INPUT
    batch, identity = data.batch_id.bytes, data.text_storage_id
    return (batch, _CONTENT, identity, source, log, offset, None, digest(origin), *_NOT_SAID)


def _failure(data: EssayValidationFailedV1, log: int, offset: int, dead: bool) -> Row:
    origin = origin_text(
        data.file_upload_id,
        data.original_file_name,
        data.raw_file_storage_id,
        data.file_size_bytes,
        data.validation_error_code.value,
    )
    source = _DEAD_INPUT if dead else _INPUT
    batch, identity = data.batch_id.bytes, data.file_upload_id
    return (batch, _FAILURE, identity, source, log, offset, None, digest(origin), *_NOT_SAID)


def _registration(data: BatchEssaysRegisteredV1, log: int, offset: int, dead: bool) -> Row:
    return (
        data.batch_id.bytes,
        log,
        offset,
        dead,
        data.expected_essay_count,
        context_digest(data.course_code, data.user_id),
        digest(data.essay_instructions),
        essay_ids_digest(data.essay_ids),
        data.readiness_deadline_seconds,
        data.deadline_policy,
    )


_CONTENT, _FAILURE = Kind.CONTENT.value, Kind.FAILURE.value
_NOT_SAID = (None, None, None)
_INPUT, _DEAD_INPUT = Source.INPUT.value, Source.DEAD_INPUT.value
_FACTS: dict[type[EventData], tuple[str, Callable[[Any, int, int, bool], Row]]] = {
    EssayContentProvisionedV1: ("sighting", _content),
    EssayValidationFailedV1: ("sighting", _failure),
    BatchEssaysRegisteredV1: ("registration", _registration),
}
