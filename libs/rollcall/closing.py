"""Closing a producer of aiokafka's within a few seconds, whatever Kafka does."""

import asyncio
from typing import Any

from aiokafka.errors import KafkaError

from rollcall.cancellation import apart, end

_STOP_SECONDS = 2.0
_AGAIN_SECONDS = 0.5
_DISCONNECT_SECONDS = 1.0


async def close(producer: Any) -> None:
    """Stop; if Kafka does not answer, give up what is not acknowledged."""
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await apart(producer.stop())
    except (KafkaError, OSError, TimeoutError):
        # aiokafka waits for ever for its last records: its sender has to be ended from here. Cancelled
        # once, it waits for its requests.
        sender = producer._sender
        if sender.sender_task is not None:
            await end(sender.sender_task, _AGAIN_SECONDS)
        await sender.close()
        _forget_records(producer._message_accumulator)
        await _disconnect(producer.client)


def _forget_records(accumulator: Any) -> None:
    """The task that waits for them ends then."""
    for batches in (*accumulator._batches.values(), accumulator._pending_batches):
        for batch in batches:
            batch.future.cancel()


async def _disconnect(client: Any) -> None:
    """Close the connections; a peer that takes no more bytes would never let that end."""
    transports = [connection._protocol._transport for connection in client._conns.values()]
    try:
        async with asyncio.timeout(_DISCONNECT_SECONDS):
            await apart(client.close())
    except TimeoutError:
        for transport in transports:
            if transport is not None:
                transport.abort()
