"""What other services would read: the output topics under read_committed, with the moment of arrival."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from aiokafka import AIOKafkaConsumer

from rollcall.access.kafka import kafka_options_at
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    EssaySlotAssignedV1,
    EventData,
    ExcessContentProvisionedV1,
)
from rollcall_events.topics import topic_for

MODELS = (
    EssaySlotAssignedV1,
    ExcessContentProvisionedV1,
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
)
_POLL_MS = 200
_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as it arrived: monotonic clock in ns, and its data."""

    at_ns: int
    data: dict[str, Any]


class Outputs:
    """Reads from the moment of its opening on; use as an asynchronous context manager."""

    def __init__(self, bootstrap_servers: str, topic_prefix: str) -> None:
        self._names = {topic_for(model).prefixed(topic_prefix): model for model in MODELS}
        self._arrived: list[tuple[int, type[EventData], bytes]] = []
        self._by_batch: dict[tuple[type[EventData], str], list[Seen]] = defaultdict(list)
        self._consumer = AIOKafkaConsumer(
            *self._names,
            **kafka_options_at(bootstrap_servers),
            group_id=None,
            isolation_level="read_committed",
            auto_offset_reset="latest",
            fetch_max_wait_ms=50,
        )
        self._uncommitted = AIOKafkaConsumer(**kafka_options_at(bootstrap_servers), group_id=None)
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Outputs":
        try:
            await self._uncommitted.start()
            await self._consumer.start()
            await self._consumer.seek_to_end()
            for partition in self._consumer.assignment():
                await self._consumer.position(partition)
        except BaseException:
            await self._stop()
            raise
        self._reading = asyncio.create_task(self._read(), name="outputs")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
        await self._stop()

    async def _stop(self) -> None:
        await self._consumer.stop()
        await self._uncommitted.stop()

    def of(self, model: type[EventData], batch_id: UUID) -> list[Seen]:
        """Events of one kind and batch that have arrived, in order."""
        for at_ns, kind, value in self._arrived:
            data = orjson.loads(value)["data"]
            self._by_batch[kind, data["batch_id"]].append(Seen(at_ns, data))
        self._arrived.clear()
        return self._by_batch[model, str(batch_id)]

    def arrivals(self, model: type[EventData]) -> list[tuple[int, bytes]]:
        """Take all events of one kind that nobody has looked at: moment and value."""
        found = [(at_ns, value) for at_ns, kind, value in self._arrived if kind is model]
        self._arrived = [each for each in self._arrived if each[1] is not model]
        return found

    async def wait_for(
        self, model: type[EventData], batch_ids: Iterable[UUID], count: int, limit_seconds: float
    ) -> None:
        """Return once so many events of that kind have arrived for each batch.

        Raises:
            TimeoutError: they have not, in time.
        """
        wanted = list(batch_ids)
        await self._until(
            lambda: all(len(self.of(model, batch_id)) >= count for batch_id in wanted),
            limit_seconds,
            f"{count} {model.__name__} for each of {len(wanted)} batches",
        )

    async def wait_for_assigned(self, count: int, limit_seconds: float) -> None:
        """Return once so many slot events have arrived that nobody has looked at."""
        await self._until(
            lambda: sum(each[1] is EssaySlotAssignedV1 for each in self._arrived) >= count,
            limit_seconds,
            f"{count:,} slot events",
        )

    async def catch_up(self, limit_seconds: float) -> None:
        """Return once everything has arrived that the topics hold now, open transactions included.

        A relay is told of its commit before readers may see it: the last stable offset is too early.
        """
        ends = await self._uncommitted.end_offsets(list(self._consumer.assignment()))
        deadline = time.monotonic() + limit_seconds
        for partition, end in ends.items():
            while await self._consumer.position(partition) < end:
                if time.monotonic() > deadline:
                    raise TimeoutError(
                        f"{partition} was not read up to its end in {limit_seconds:g} s"
                    )
                await asyncio.sleep(_LOOK_SECONDS)

    async def _until(self, met: Callable[[], bool], limit_seconds: float, what: str) -> None:
        deadline = time.monotonic() + limit_seconds
        while not met():
            if self._reading is not None and self._reading.done():
                self._reading.result()
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {limit_seconds:g} s: {what}")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _read(self) -> None:
        while True:
            polled = await self._consumer.getmany(timeout_ms=_POLL_MS)
            now = time.monotonic_ns()
            for partition, records in polled.items():
                model = self._names[partition.topic]
                self._arrived += [(now, model, record.value) for record in records]
