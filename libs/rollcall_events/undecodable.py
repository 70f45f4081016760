"""What was wrong with a record that did not decode."""

from enum import StrEnum
from typing import Any

from pydantic import ValidationError

MAX_DESCRIBED_ERRORS = 5


class Undecodable(StrEnum):
    """The three ways in which a record fails to be the event its topic promises."""

    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_VERSION = "unknown_version"
    MALFORMED = "malformed"


def classify(error: ValidationError) -> Undecodable:
    """Say which of the three it was, from the error of `Model.envelope().model_validate_json()`.

    An unknown type wins over whatever else is wrong, then an unknown version.
    """
    wrong = _wrong_literals(error)
    if isinstance(wrong.get("event_type"), str):
        return Undecodable.UNKNOWN_TYPE
    if "schema_version" in wrong:
        return Undecodable.UNKNOWN_VERSION
    return Undecodable.MALFORMED


def type_given(error: ValidationError) -> str | None:
    """Give the event type that the record names, if it is a string that the model does not know.

    Use this, not a second parser: what one parser takes for JSON (`NaN`) another may refuse.
    """
    given = _wrong_literals(error).get("event_type")
    return given if isinstance(given, str) else None


def describe(error: ValidationError) -> str:
    """Say in one line which fields are wrong and why, without values: those may be personal."""
    items = error.errors(include_url=False, include_input=False, include_context=False)
    told = "; ".join(_line(item) for item in items[:MAX_DESCRIBED_ERRORS])
    rest = len(items) - MAX_DESCRIBED_ERRORS
    return f"{told}; and {rest} more" if rest > 0 else told


def _wrong_literals(error: ValidationError) -> dict[int | str, object]:
    return {
        item["loc"][0]: item["input"]
        for item in error.errors(include_url=False, include_context=False)
        if item["type"] == "literal_error" and len(item["loc"]) == 1
    }


def _line(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"])
    return f"{place}: {item['msg']}" if place else str(item["msg"])
