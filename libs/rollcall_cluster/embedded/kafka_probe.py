"""Kafka requests over a plain socket: cheap enough to repeat until a broker can serve."""

import socket
import struct

_METADATA, _FIND_COORDINATOR = 3, 10  # keys of requests; both are spoken in version 1
_VERSION, _CORRELATION_ID = 1, 7
_GROUP, _TRANSACTION = 0, 1  # kinds of coordinators
_CLIENT = b"rollcall-probe"


def can_serve(host: str, port: int, timeout_seconds: float = 2.0) -> bool:
    """Tell whether a cluster has a broker, and coordinators for groups and transactions.

    The first call makes a new cluster create the internal topics that the coordinators need, so
    that its first clients need not wait for them. Raises OSError when nobody answers.
    """
    with socket.create_connection((host, port), timeout_seconds) as connection:
        return (
            _has_broker(connection)
            and _has_coordinator(connection, _GROUP)
            and _has_coordinator(connection, _TRANSACTION)
        )


def _has_broker(connection: socket.socket) -> bool:
    no_topics = struct.pack(">i", 0)
    (brokers,) = struct.unpack_from(">i", _ask(connection, _METADATA, no_topics))
    return bool(brokers > 0)


def _has_coordinator(connection: socket.socket, kind: int) -> bool:
    wanted = struct.pack(">h", len(_CLIENT)) + _CLIENT + struct.pack(">b", kind)
    _throttle_ms, error = struct.unpack_from(">ih", _ask(connection, _FIND_COORDINATOR, wanted))
    return bool(error == 0)


def _ask(connection: socket.socket, request_key: int, body: bytes) -> bytes:
    """Send a request and return its response without the header."""
    header = struct.pack(">hhih", request_key, _VERSION, _CORRELATION_ID, len(_CLIENT))
    request = header + _CLIENT + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    (length,) = struct.unpack(">i", _receive(connection, 4))
    if not 10 <= length <= 1_000_000:
        raise ConnectionError(f"a response of {length} bytes: not a Kafka broker")
    response = _receive(connection, length)
    (correlation_id,) = struct.unpack_from(">i", response)
    if correlation_id != _CORRELATION_ID:
        raise ConnectionError(f"correlation id {correlation_id}: not a Kafka broker")
    return response[4:]


def _receive(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        piece = connection.recv(length - len(received))
        if not piece:
            raise ConnectionError("the connection was closed in the middle of a response")
        received += piece
    return received
