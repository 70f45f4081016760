"""Remembers what was done, so that it need not be looked up where the truth is."""

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from struct import Struct

from rollcall.coordination.keys import Keys
from rollcall.coordination.server import RedisServer, Script

_LOOK_UP = Script("look_up.lua", repeatable=True)
_MARK = Script("mark.lua", repeatable=True)

ID_BYTES = 16
_HEAD = Struct("<II")


def id_of(text: str) -> bytes:
    """An id for something that is named by a text; a UUID's 16 bytes serve as they are."""
    return blake2b(text.encode(), digest_size=ID_BYTES).digest()


class IdempotencyFilter:
    """Marks with a note each, for ids of 16 bytes.

    Mark only what has been committed. A mark is a hint: it may be gone at any time, and it stays when
    the database is restored to an earlier point. Whoever skips work for a mark must be able to tell from
    the note, and from the database, that the work is done there: `rollcall.coordination.chunk_filter`
    shows how.

    Args:
        keep_seconds: so long a mark lasts, if there is room.
        max_ids: of which the newest are kept. One takes some 140 bytes of Redis with a note of 32.
    """

    def __init__(
        self, server: RedisServer, keys: Keys, name: str, *, keep_seconds: float, max_ids: int
    ) -> None:
        self._server = server
        self._marks, self._order = keys.of("marks", name), keys.of("marks-order", name)
        # Both in the bucket of `name`: their names differ in the kind alone.
        self._keep_ms = int(keep_seconds * 1000)
        self._max_ids = max_ids

    async def look_up(self, ids: Sequence[bytes]) -> dict[bytes, bytes]:
        """The notes of those that are marked, in one round trip.

        Raises:
            CoordinationUnavailableError: Redis does not answer.
            ValueError: an id has not 16 bytes.
        """
        if not ids:
            return {}
        heads, notes = await self._server.run_once(_LOOK_UP, [self._marks], _packed(ids))
        found, at = {}, 0
        for place, length in _HEAD.iter_unpack(heads):
            found[ids[place]] = notes[at : at + length]
            at += length
        return found

    async def mark(self, notes: Mapping[bytes, bytes]) -> None:
        """Mark ids with their notes, all equally long, after the commit of what they stand for.

        Raises:
            CoordinationUnavailableError: Redis does not answer.
            ValueError: an id has not 16 bytes, or one note is longer than another.
        """
        if not notes:
            return
        if len({len(note) for note in notes.values()}) != 1:
            raise ValueError("all notes of a call have the same length")
        await self._server.run_once(
            _MARK,
            [self._marks, self._order],
            self._max_ids,
            self._keep_ms,
            _packed(notes),
            b"".join(notes.values()),
        )


def _packed(ids: Collection[bytes]) -> bytes:
    if set(map(len, ids)) != {ID_BYTES}:
        raise ValueError(f"ids have {ID_BYTES} bytes each")
    return b"".join(ids)
