"""Lets the Kafka client survive a connection that breaks just before it writes.

asyncio's own transports take a write after the end in silence; uvloop's raise RuntimeError. aiokafka 0.14
expects OSError alone, so the error would end whichever of its tasks wrote: without its metadata
task, a client waits for metadata for ever.
"""

import functools
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError


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
