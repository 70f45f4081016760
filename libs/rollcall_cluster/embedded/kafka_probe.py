"""One Kafka Metadata request over a plain socket: cheap enough to repeat until a broker is up."""

import socket
import struct

_METADATA, _VERSION, _CORRELATION_ID = 3, 1, 7
_CLIENT_ID = b"rollcall-probe"
_NO_TOPICS = struct.pack(">i", 0)


def broker_count(host: str, port: int, timeout_seconds: float = 2.0) -> int:
    """Return how many brokers the cluster says it has: 0 until it can serve.

    Raises OSError when nobody answers.
    """
    header = struct.pack(">hhih", _METADATA, _VERSION, _CORRELATION_ID, len(_CLIENT_ID))
    request = header + _CLIENT_ID + _NO_TOPICS
    with socket.create_connection((host, port), timeout_seconds) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (length,) = struct.unpack(">i", _receive(connection, 4))
        if length < 8:
            raise ConnectionError(f"a Metadata response of {length} bytes: not a Kafka broker")
        correlation_id, brokers = struct.unpack(">ii", _receive(connection, 8))
    if correlation_id != _CORRELATION_ID:
        raise ConnectionError(f"correlation id {correlation_id}: not a Kafka broker")
    return int(brokers)


def _receive(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        piece = connection.recv(length - len(received))
        if not piece:
            raise ConnectionError("the connection was closed in the middle of a response")
        received += piece
    return received
