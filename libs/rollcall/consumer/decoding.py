"""Raw records to events. Nothing raises: what does not decode becomes a rejection that says why."""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from rollcall.consumer.records import InputRecord, Item, Received, Rejected, Skipped
from rollcall_events import Envelope, EventData, Undecodable, classify, describe, type_given


class Decoder:
    """Decodes the records of one topic into the models that are handled from it."""

    def __init__(self, models: Iterable[type[EventData]], record_max_bytes: int) -> None:
        self._envelopes: dict[str, type[Envelope[Any]]] = {
            model.event_type: model.envelope() for model in models
        }
        self._first = next(iter(self._envelopes.values()))
        self._max_bytes = record_max_bytes

    def decode(self, record: InputRecord) -> Item:
        """Decode one record, at once as what the topic mostly carries."""
        value = record.value
        if not value:
            return Rejected(
                record, "empty_value", "the record has no value; events always have one"
            )
        if len(value) > self._max_bytes:
            return Rejected(
                record,
                "record_too_large",
                f"{len(value)} bytes; at most {self._max_bytes} are taken (ROLLCALL_RECORD_MAX_BYTES)",
            )
        try:
            return Received(record, self._first.model_validate_json(value))
        except ValidationError as error:
            return self._explain(record, value, error)

    def _explain(self, record: InputRecord, value: bytes, error: ValidationError) -> Item:
        """The slow path: another type of the topic, a type nobody handles, or a broken record."""
        match classify(error):
            case Undecodable.UNKNOWN_TYPE:
                return self._decode_other(record, value, str(type_given(error)))
            case Undecodable.UNKNOWN_VERSION:
                return Rejected(record, "unknown_schema_version", describe(error))
            case Undecodable.MALFORMED:
                return Rejected(record, "malformed", describe(error))

    def _decode_other(self, record: InputRecord, value: bytes, event_type: str) -> Item:
        envelope = self._envelopes.get(event_type)
        if envelope is None:
            return Skipped(record, event_type[:255])
        try:
            return Received(record, envelope.model_validate_json(value))
        except ValidationError as error:
            wrong_version = classify(error) is Undecodable.UNKNOWN_VERSION
            error_type = "unknown_schema_version" if wrong_version else "malformed"
            return Rejected(record, error_type, describe(error))
