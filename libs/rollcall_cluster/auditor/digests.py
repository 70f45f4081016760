"""Digests that two sides must agree on: whole rows and lists compared as one number each.

Python's own hash of strings: SipHash, 64 bits, keyed for each process, so digests are comparable only within
one audit. A wrong list passes with a probability of about 2**-64.

Items of lists are hashed as one string, never as a tuple: the hash of a tuple is so nearly linear in its
parts that the sum of a list often stays the same when two of its items swap a part.
"""

from collections.abc import Iterable

_SIGN_BIT = 1 << 63
_MASK = (1 << 64) - 1


def origin_digest(
    file_upload_id: str | None,
    file_name: str | None,
    raw_storage_id: str | None,
    size_bytes: int | None,
    detail: str | None,
) -> int:
    """Where a content (detail: checksum) or a failure (detail: error code) came from."""
    return hash((file_upload_id, file_name, raw_storage_id, size_bytes, detail))


def assignment_digest(essay_id: str, position: int, origin: int) -> int:
    """What a filled slot and its announcement must both say."""
    return hash((essay_id, position, origin))


def context_digest(course_code: str, user_id: str) -> int:
    """What a batch is about."""
    return hash((course_code, user_id))


def ready_item(essay_id: str, text_storage_id: str | None) -> int:
    """One essay of the list of ready essays."""
    return hash(f"{essay_id}\0{text_storage_id}")


def failed_item(
    essay_id: str,
    file_upload_id: str | None,
    file_name: str | None,
    error_code: str | None,
    error_detail: str | None,
) -> int:
    """One essay of the list of failed essays."""
    parts = (essay_id, file_upload_id, file_name, error_code, error_detail)
    return hash("\0".join(map(str, parts)))


def essay_ids_digest(essay_ids: Iterable[str]) -> int:
    """The essays of a batch, in order."""
    return hash("\0".join(essay_ids))


def unordered(total: int) -> int:
    """The digest of a list in any order, from the sum of its items; fits a signed 64-bit column."""
    return ((total + _SIGN_BIT) & _MASK) - _SIGN_BIT
