"""Remembers what was done, so that it need not be looked up where the truth is."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from rollcall.coordination.keys import Keys
from rollcall.coordination.server import RedisServer, Script

_LOOK_UP = Script("look_up.lua", repeatable=True)
_MARK = Script("mark.lua", repeatable=True)

ID_BYTES = 16


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
        keep_seconds: a mark lasts between one and two of these, if there is room.
        max_ids: of one generation; two are kept. One id takes some 120 bytes of Redis with a note of 24.
    """

    def __init__(
        self, server: RedisServer, keys: Keys, name: str, *, keep_seconds: float, max_ids: int
    ) -> None:
        self._server = server
        self._generations = [keys.of("marks", name), keys.of("old-marks", name)]
        # Both in the bucket of `name`: their names differ in the kind alone.
        self._keep_ms = int(keep_seconds * 1000)
        self._max_ids = max_ids

    async def look_up(self, ids: Sequence[bytes]) -> dict[bytes, bytes]:
        """The notes of those that are marked, in one round trip.

        Raises:
            CoordinationUnavailableError: Redis does not answer.
        """
        if not ids:
            return {}
        found = await self._server.run_once(_LOOK_UP, self._generations, b"".join(ids))
        return {ids[place]: note for place, note in zip(found[::2], found[1::2], strict=True)}

    async def mark(self, notes: Mapping[bytes, bytes]) -> None:
        """Mark ids with their notes, all equally long, after the commit of what they stand for.

        Raises:
            CoordinationUnavailableError: Redis does not answer.
            ValueError: an id has not 16 bytes, or one note is longer than another.
        """
        if not notes:
            return
        note_bytes = len(next(iter(notes.values())))
        packed = b"".join([part for pair in notes.items() for part in pair])
        whole = len(packed) == len(notes) * (ID_BYTES + note_bytes)
        if not whole or {len(note) for note in notes.values()} != {note_bytes}:
            raise ValueError(f"ids have {ID_BYTES} bytes, and all notes of a call the same length")
        await self._server.run_once(
            _MARK, self._generations, self._max_ids, self._keep_ms, note_bytes, packed
        )
