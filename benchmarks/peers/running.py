"""What every peer written in Python needs around its loop."""

import asyncio
import signal
from collections.abc import Awaitable, Coroutine
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from benchmarks.peers.lifecycle import Settings
from benchmarks.peers.outbox_relay import Send

MAX_REQUEST_BYTES = 24 * 1024 * 1024


def create_pool(settings: Settings, connections: int = 2, **server_settings: str) -> Any:
    """A pool on the deployment's schema, with further settings for its sessions."""
    return asyncpg.create_pool(
        settings.dsn,
        min_size=connections,
        max_size=connections,
        server_settings={"search_path": settings.schema, **server_settings},
    )


def sender(producer: AIOKafkaProducer) -> Send:
    """Hand records to an aiokafka producer."""

    async def send(topic: str, key: bytes, value: bytes) -> Awaitable[Any]:
        delivery: Awaitable[Any] = await producer.send(topic, value, key=key)
        return delivery

    return send


async def run_until_told(*loops: Coroutine[Any, Any, None]) -> None:
    """Run endless loops until SIGTERM, or until one of them fails."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    tasks = [asyncio.create_task(loop) for loop in loops]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
