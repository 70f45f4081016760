"""TCP ports on the loopback interface."""

import random
import socket

# Below the ephemeral ports of Linux (from 32768) and macOS (from 49152): from inside that range an
# unlucky client that reconnects to a stopped server can connect to itself and keep its port.
_FIRST, _LAST = 20_000, 32_000
_ATTEMPTS = 200


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
    """Return a port of 127.0.0.1 that nobody listens on (somebody may before you do: retry).

    Raises OSError if none of many tries is free.
    """
    for _ in range(_ATTEMPTS):
        port = random.randint(_FIRST, _LAST)  # noqa: S311 - not a secret
        if is_free(port):
            return port
    raise OSError(f"no free TCP port among {_ATTEMPTS} tries in {_FIRST}-{_LAST}")
