"""Puts accepted events into Kafka and tells which of them the brokers have."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from rollcall.access.kafka import kafka_options
from rollcall.closing import close
from rollcall.ingest.envelopes import Accepted
from rollcall.outbox.publication import Headers
from rollcall.settings import ServiceSettings

log = structlog.get_logger()

_LINGER_MS = 5
_BATCH_BYTES = 256 * 1024
_MAX_REQUEST_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Delivered:
    """Where an event stands in its topic: acknowledged by every replica that is in sync."""

    partition: int
    offset: int


class IngestProducer:
    """An idempotent producer with acks=all, opened when it is first needed.

    After an error or a silence it is not known what Kafka has. The producer is replaced then: one
    that met a gap in its sequence would fail for ever, and one that waits would hold its records.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def deliver(self, events: Sequence[Accepted], headers: Headers) -> list[Delivered | None]:
        """Send events and wait until Kafka has them; None for those of which that is not known.

        Returns within ROLLCALL_INGEST_TIMEOUT_SECONDS.
        """
        deliveries: list[asyncio.Future[Any]] = []
        producer = None
        try:
            async with asyncio.timeout(self._settings.ingest_timeout_seconds):
                producer = await self._opened()
                for event in events:
                    sent = await producer.send(
                        event.topic, event.value, key=event.key, headers=headers
                    )
                    deliveries.append(sent)
                await asyncio.wait(deliveries)
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("ingest_interrupted", error=str(error) or repr(error))
        outcomes = [_outcome(delivery) for delivery in deliveries]
        outcomes += [None] * (len(events) - len(outcomes))
        if None in outcomes and producer is not None:
            self._replace(producer, deliveries)
        return outcomes

    async def close(self) -> None:
        """Close within a few seconds, whatever Kafka does."""
        if self._producer is not None:
            self._replace(self._producer, [])
        if self._closing:
            await asyncio.wait(self._closing)

    async def _opened(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **kafka_options(self._settings),
                    client_id=f"{self._settings.instance_id}-ingest",
                    enable_idempotence=True,
                    linger_ms=_LINGER_MS,
                    max_batch_size=_BATCH_BYTES,
                    max_request_size=_MAX_REQUEST_BYTES,
                    request_timeout_ms=int(self._settings.ingest_timeout_seconds * 1000),
                )
                try:
                    await producer.start()
                except BaseException:
                    self._close_apart(producer)
                    raise
                self._producer = producer
            return self._producer

    def _replace(
        self, producer: AIOKafkaProducer, deliveries: Sequence[asyncio.Future[Any]]
    ) -> None:
        for delivery in deliveries:
            delivery.add_done_callback(_look_at)
        if producer is self._producer:
            self._producer = None
            self._close_apart(producer)

    def _close_apart(self, producer: AIOKafkaProducer) -> None:
        task = asyncio.ensure_future(close(producer))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _outcome(delivery: asyncio.Future[Any]) -> Delivered | None:
    if not delivery.done() or delivery.cancelled() or delivery.exception() is not None:
        return None
    placed = delivery.result()
    return Delivered(placed.partition, placed.offset)


def _look_at(delivery: asyncio.Future[Any]) -> None:
    """Take note of an error that nobody waits for any more."""
    if not delivery.cancelled():
        delivery.exception()
