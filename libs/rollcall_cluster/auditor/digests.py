"""Digests that two sides must agree on: rows and lists compared as one 64-bit number each.

Keyless, so that several processes give the same ones; a wrong list passes with a probability of about
2**-64. Lists are compared in any order by the sum of their items, which takes a hash that is far from
linear: with Python's hash of tuples, sums often stay the same when two items swap a part.
"""

from collections.abc import Iterable
from hashlib import blake2b

_SIGN_BIT = 1 << 63
_MASK = (1 << 64) - 1


def digest(text: str) -> int:
    """A number that fits a signed 64-bit column."""
    hashed = blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(hashed, "big", signed=True)


def origin_text(
    file_upload_id: str | None,
    file_name: str | None,
    raw_storage_id: str | None,
    size_bytes: int | None,
    detail: str | None,
) -> str:
    """Where a content (detail: checksum) or a failure (detail: error code) came from."""
    return (
        f"{file_upload_id}\0{file_name}\0{raw_storage_id or ''}\0{size_bytes or 0}\0{detail or ''}"
    )


def assignment_digest(essay_id: str, position: int, origin: str) -> int:
    """What a filled slot and its announcement must both say."""
    return digest(f"{essay_id}\0{position}\0{origin}")


def context_digest(course_code: str, user_id: str) -> int:
    """What a batch is about."""
    return digest(f"{course_code}\0{user_id}")


def essay_ids_digest(essay_ids: Iterable[str]) -> int:
    """The essays of a batch, in order."""
    return digest("\0".join(essay_ids))


def ready_item(essay_id: str, text_storage_id: str | None) -> int:
    """One essay of the list of ready essays."""
    return digest(f"{essay_id}\0{text_storage_id}")


def failed_item(
    essay_id: str,
    file_upload_id: str | None,
    file_name: str | None,
    error_code: str | None,
    error_detail: str | None,
) -> int:
    """One essay of the list of failed essays."""
    return digest(f"{essay_id}\0{file_upload_id}\0{file_name}\0{error_code}\0{error_detail}")


def unordered(total: int) -> int:
    """The digest of a list in any order, from the sum of its items."""
    return ((total + _SIGN_BIT) & _MASK) - _SIGN_BIT
