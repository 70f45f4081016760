"""Lets the Kafka client survive a connection that breaks just before it writes, and a cluster without brokers.

asyncio's own transports take a write after the end in silence; uvloop's raise RuntimeError. aiokafka 0.14
expects OSError alone, so the error would end whichever of its tasks wrote: without its metadata
task, a client waits for metadata for ever.

A controller that hears nothing of an overloaded broker fences it; for that time, metadata names no broker. A
client that connects just then fails an assertion when it looks for a coordinator.
"""

import functools
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, NodeNotReadyError


def mend_client() -> None:
    """Make every Kafka client of this process go on after either; harmless if repeated."""
    mend_sending()
    mend_lookup()


def mend_lookup() -> None:
    """Call it an error that passes when no broker is known; harmless if repeated."""
    look_up = AIOKafkaClient.coordinator_lookup
    if hasattr(look_up, "__wrapped__"):
        return

    @functools.wraps(look_up)
    async def look_up_or_tell(self: Any, *arguments: Any) -> Any:
        if self.get_random_node() is None:
            raise NodeNotReadyError("Kafka's metadata names no broker")
        return await look_up(self, *arguments)

    AIOKafkaClient.coordinator_lookup = look_up_or_tell


def mend_sending() -> None:
    """Make every connection of this process call a broken connection broken; harmless if repeated."""
    send = AIOKafkaConnection.send
    if hasattr(send, "__wrapped__"):
        return

    @functools.wraps(send)
    def send_or_tell(self: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return send(self, *arguments, **options)
        except RuntimeError as error:
            self.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
            raise KafkaConnectionError(
                f"Connection at {self.host}:{self.port} broken: {error}"
            ) from error

    AIOKafkaConnection.send = send_or_tell
