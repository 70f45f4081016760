"""The per-event service on FastStream: its decoding, its dispatch, its offset commits.

FastStream's default acknowledges before the handler (the client commits in the background), which is
its fastest way and gives the least. The effect, the outbox and the relay are those of `per_event`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker, KafkaMessage

from benchmarks.peers.lifecycle import Lifecycle, Settings
from benchmarks.peers.outbox_relay import OutboxRelay
from benchmarks.peers.running import MAX_REQUEST_BYTES, create_pool, run_until_told, sender
from rollcall_events import (
    BatchEssaysRegisteredV1,
    Envelope,
    EssayContentProvisionedV1,
    EventData,
)

Decoder = Callable[[KafkaMessage], Awaitable[Envelope[Any]]]


def decoder(model: type[EventData]) -> Decoder:
    """Decode bodies as strictly as all others do: a model's strict types need the JSON itself."""
    envelope = model.envelope()

    async def decode(message: KafkaMessage) -> Envelope[Any]:
        return envelope.model_validate_json(message.body)

    return decode


async def main() -> None:
    """Run until SIGTERM."""
    settings = Settings.from_environment()
    lifecycle = Lifecycle(settings)
    # It would log each message, and check again what the decoder has checked.
    broker = KafkaBroker(settings.bootstrap_servers, logger=None, apply_types=False)
    reading: dict[str, Any] = {
        "group_id": settings.group,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "auto_commit_interval_ms": 500,
    }
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers,
        enable_idempotence=True,
        max_request_size=MAX_REQUEST_BYTES,
    )
    async with create_pool(settings, connections=3) as pool, producer:
        relay = OutboxRelay(pool, sender(producer))

        @broker.subscriber(
            settings.topic(BatchEssaysRegisteredV1),
            decoder=decoder(BatchEssaysRegisteredV1),
            **reading,
        )
        async def register(envelope: Envelope[BatchEssaysRegisteredV1]) -> None:
            async with pool.acquire() as connection:
                await lifecycle.register(connection, envelope)

        @broker.subscriber(
            settings.topic(EssayContentProvisionedV1),
            decoder=decoder(EssayContentProvisionedV1),
            **reading,
        )
        async def provision(envelope: Envelope[EssayContentProvisionedV1]) -> None:
            async with pool.acquire() as connection:
                await lifecycle.provision(connection, envelope)
            relay.wake.set()

        async def serve() -> None:
            await asyncio.Event().wait()

        async with broker:
            await broker.start()
            await run_until_told(serve(), relay.run())


if __name__ == "__main__":
    uvloop.run(main())
