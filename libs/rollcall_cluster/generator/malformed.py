"""Records that are no good, one kind for each way in which producers get it wrong."""

from enum import StrEnum

import orjson

OVERSIZE_BYTES = 2 * 2**20
_OVERSIZE_EVERY = 500


class Malformation(StrEnum):
    """What is wrong with a record."""

    NOT_JSON = "not_json"
    WRONG_TYPES = "wrong_types"
    UNKNOWN_TYPE = "unknown_type"
    WRONG_VERSION = "wrong_version"
    EMPTY = "empty"
    OVERSIZE = "oversize"


_KINDS = tuple(Malformation)


def malformation(number: int) -> Malformation:
    """Give the kind of the malformed record of that number: each in turn, the huge one seldom."""
    if number < len(_KINDS):
        return _KINDS[number]
    if number % _OVERSIZE_EVERY == 0:
        return Malformation.OVERSIZE
    return _KINDS[number % (len(_KINDS) - 1)]


def ends_as_dead_letter(kind: Malformation) -> bool:
    """Say whether a service has to set the record aside; an unknown type is skipped instead."""
    return kind is not Malformation.UNKNOWN_TYPE


def spoil(kind: Malformation, good: bytes, number: int) -> bytes | None:
    """Make a malformed value from the good value of an event; None is a tombstone."""
    match kind:
        case Malformation.NOT_JSON:
            return good[: len(good) // 2]
        case Malformation.EMPTY:
            return None if number % 2 else b""
        case _:
            return _altered(kind, good)


def _altered(kind: Malformation, good: bytes) -> bytes:
    event = orjson.loads(good)
    match kind:
        case Malformation.WRONG_TYPES:
            event["data"]["file_size_bytes"] = "many"
            event["data"]["original_file_name"] = ["not", "a", "name"]
        case Malformation.UNKNOWN_TYPE:
            event["event_type"] = "EssayAdmiredV1"
        case Malformation.WRONG_VERSION:
            event["schema_version"] = 99
        case Malformation.OVERSIZE:
            event["data"]["original_file_name"] = "x" * OVERSIZE_BYTES
    return orjson.dumps(event)
