"""Has the kernel tell when the other end of a connection is gone without a word.

A host that lost its power, or a firewall that forgot a connection, sends nothing: a statement would wait for
its own time limit, half a minute, and a connection of the pool that nobody has used since would be found out
by whoever borrows it next.
"""

import socket
from typing import Any

# Silence after which the other end is asked, between two questions, and for which anything may stay unconfirmed.
ASK_AFTER_SECONDS = 5
UNCONFIRMED_SECONDS = 10


def keep_alive(connection: Any) -> None:
    """Have asyncpg's `connection` end with an error once the server's host has been silent for too long.

    Noticed within `UNCONFIRMED_SECONDS` while something is being sent, within these and `ASK_AFTER_SECONDS` else.
    A server that is busy or stopped is not silent: its kernel answers.

    Raises:
        OSError: it has ended already.
    """
    end = connection._transport.get_extra_info("socket")
    if end is None or end.fileno() < 0:  # what uvloop has of a transport that is closed
        raise ConnectionResetError("the connection ended as soon as it was there")
    if end.family == socket.AF_UNIX:
        return
    end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", ASK_AFTER_SECONDS),
        ("TCP_KEEPINTVL", ASK_AFTER_SECONDS),
        ("TCP_KEEPCNT", UNCONFIRMED_SECONDS // ASK_AFTER_SECONDS),
        ("TCP_USER_TIMEOUT", UNCONFIRMED_SECONDS * 1000),
    ):
        # Linux has all of them; elsewhere those that are there.
        if hasattr(socket, option):
            end.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
