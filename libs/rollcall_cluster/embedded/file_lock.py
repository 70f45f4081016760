"""One process at a time: a lock on a file, which ends with the process that holds it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rollcall_cluster.embedded.errors import EmbeddedServerError

# Longer than a download over a slow line, or the start of a cluster.
_PATIENCE_SECONDS = 900.0
_LOOK_SECONDS = 0.02


@contextmanager
def file_lock(path: Path, patience_seconds: float = _PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the lock on a file, which is created and names the holder's process.

    Raises:
        EmbeddedServerError: another process has held it for all of `patience_seconds`.
    """
    with path.open("a+", encoding="utf-8") as file:
        lock_within(file, patience_seconds)
        file.truncate(0)
        file.write(f"process {os.getpid()}\n")
        file.flush()
        yield


def lock_within(file: IO[str], patience_seconds: float = _PATIENCE_SECONDS) -> None:
    """Lock an open file until it is closed.

    Raises:
        EmbeddedServerError: another process has held it for all of `patience_seconds`.
    """
    deadline = time.monotonic() + patience_seconds
    while not _try(file):
        if time.monotonic() > deadline:
            file.seek(0)
            holder = file.readline(100).strip()
            if not holder.startswith("process "):
                holder = "another process"
            raise EmbeddedServerError(
                f"{holder} has held {file.name} for {patience_seconds:.0f} s",
                "let it finish, or end it; the lock ends with it",
            )
        time.sleep(_LOOK_SECONDS)


def _try(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
