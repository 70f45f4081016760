"""TCP ports on the loopback interface."""

import contextlib
import json
import os
import random
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rollcall_cluster.embedded.file_lock import lock_within

# Below the ephemeral ports of Linux (from 32768) and macOS (from 49152): from inside that range an
# unlucky client that reconnects to a stopped server can connect to itself and keep its port.
_FIRST, _LAST = 20_000, 32_000
_ATTEMPTS = 200
# Longer than anything started here needs until it listens; nobody else gets its port meanwhile.
_RESERVED_SECONDS = 120


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on and no other process was given lately.

    Only a stranger, who does not ask here, can take it within two minutes: retry. Raises OSError if
    none of many tries is free.
    """
    with _reservations() as reserved:
        for _ in range(_ATTEMPTS):
            port = random.randint(_FIRST, _LAST)  # noqa: S311 - not a secret
            if str(port) not in reserved and is_free(port):
                reserved[str(port)] = time.time()
                return port
    raise OSError(f"no free TCP port among {_ATTEMPTS} tries in {_FIRST}-{_LAST}")


@contextlib.contextmanager
def _reservations() -> Iterator[dict[str, float]]:
    """When each port was given, of those given lately to processes of this user; saved at the end.

    Held for one process at a time: two that asked at once would otherwise find the same port free,
    or the one's try would be in the way of the other's server.
    """
    path = Path(tempfile.gettempdir()) / f"rollcall-ports-{os.getuid()}.json"
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "r+", encoding="utf-8") as file:
        lock_within(file)
        oldest = time.time() - _RESERVED_SECONDS
        reserved = {port: at for port, at in _saved(file.read()).items() if at > oldest}
        yield reserved
        file.seek(0)
        file.truncate()
        json.dump(reserved, file)


def _saved(text: str) -> dict[str, float]:
    try:
        saved: dict[str, float] = json.loads(text)
    except ValueError:  # new, or its last writer was killed in the middle
        return {}
    return saved
