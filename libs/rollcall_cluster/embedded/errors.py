"""What goes wrong with an embedded server."""

import os
from pathlib import Path
from typing import BinaryIO

_TAIL_LINES = 20
_PIECE_BYTES = 16_384


class EmbeddedServerError(Exception):
    """An embedded server cannot run here: the message says which one, why, and what to do."""

    def __init__(self, problem: str, remedy: str, log_file: Path | None = None) -> None:
        self.problem = problem
        self.remedy = remedy
        self.log_file = log_file
        super().__init__(f"{problem}{_ending_of(log_file)}\nRemedy: {remedy}")


def log_tail(log_file: Path, lines: int = _TAIL_LINES) -> str:
    """Return the last `lines` lines of a log file, or "" if there is none."""
    try:
        with log_file.open("rb") as log:
            text = _end(log, lines).decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _end(log: BinaryIO, lines: int) -> bytes:
    """Read backwards until there are so many whole lines."""
    place = log.seek(0, os.SEEK_END)
    pieces: list[bytes] = []
    found = 0
    while place and found <= lines:
        size = min(_PIECE_BYTES, place)
        place = log.seek(place - size)
        pieces.insert(0, log.read(size))
        found += pieces[0].count(b"\n")
    return b"".join(pieces)


def _ending_of(log_file: Path | None) -> str:
    tail = log_tail(log_file) if log_file is not None else ""
    if not tail:
        return ""
    return f"\nThe end of {log_file}:\n{tail}"
