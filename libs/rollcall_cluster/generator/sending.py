"""Puts records into Kafka: batches filled here, by an idempotent producer, with a bound on what is in flight."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from types import TracebackType
from typing import Any, Self
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from rollcall.access.kafka import KafkaAccess, kafka_options
from rollcall.access.kafka_refusal import refuse_if_denied
from rollcall.errors import AccessDeniedError
from rollcall_cluster.generator.errors import CannotProduceError
from rollcall_cluster.generator.record import CONTENTS, FAILURES, REGISTRATIONS, Kind, Record

_BATCH_BYTES = 256 * 1024
_MAX_BATCHES_IN_FLIGHT = 64
_TIMEOUT_SECONDS = 30.0
_NEW_TOPIC_SECONDS = 3.0
_MAX_REQUEST_BYTES = 4 * 2**20

_Place = tuple[str, int]


class RecordSender:
    """Sends records to the input topics of a deployment. Use as an asynchronous context manager.

    Leaving it waits until Kafka has acknowledged everything. `sent` counts what was acknowledged.
    """

    def __init__(self, bootstrap_servers: str, topic_prefix: str = "") -> None:
        self.sent: Counter[Kind] = Counter()
        self.bytes_sent = 0
        self._servers = bootstrap_servers
        self._access = KafkaAccess(kafka_bootstrap_servers=bootstrap_servers)
        self._prefix = topic_prefix
        self._partitions: dict[str, int] = {}
        self._filling: dict[_Place, _Filling] = {}
        self._in_flight: set[asyncio.Future[Any]] = set()
        self._room = asyncio.Event()
        self._error: BaseException | None = None
        self._turns = count()

    async def __aenter__(self) -> Self:
        """Connect and look at the topics.

        Raises:
            CannotProduceError: Kafka cannot be reached, or a topic is missing.
        """
        self._producer = AIOKafkaProducer(
            **kafka_options(self._access),
            client_id="rollcall-generate",
            enable_idempotence=True,
            max_batch_size=_BATCH_BYTES,
            max_request_size=_MAX_REQUEST_BYTES,
            request_timeout_ms=int(_TIMEOUT_SECONDS * 1_000),
        )
        await self._connected()
        try:
            for topic in (REGISTRATIONS, CONTENTS, FAILURES):
                self._partitions[topic] = await self._count_partitions(topic)
        except BaseException:
            await self._producer.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Flush, unless an error is on its way already, and close."""
        try:
            if error is None:
                await self.flush()
        finally:
            await self._stop()

    async def send(self, records: list[Record]) -> None:
        """Send records, in order for each partition; waits while too much is in flight.

        Raises:
            CannotProduceError: Kafka refused a record or did not answer in time.
        """
        for record in records:
            place = self._place(record)
            filling = self._filling.get(place)
            if filling is None or not filling.append(record):
                await self._start_filling(place, record)
        await asyncio.sleep(0)

    async def submit(self) -> None:
        """Hand over everything that waits for its batch to fill; does not wait for Kafka."""
        for place in list(self._filling):
            await self._hand_over(place)

    async def flush(self) -> None:
        """Wait until Kafka has acknowledged everything.

        Raises:
            CannotProduceError: it refused something or did not answer in time.
        """
        await self.submit()
        while self._in_flight:
            await self._wait_for_room()
        self._raise_error()

    def _place(self, record: Record) -> _Place:
        """Choose a partition as librdkafka does: CRC-32 of the key; without key, one after the other."""
        partitions = self._partitions[record.topic]
        number = next(self._turns) if record.key is None else crc32(record.key)
        return record.topic, number % partitions

    async def _start_filling(self, place: _Place, record: Record) -> None:
        await self._hand_over(place)
        filling = self._filling[place] = _Filling(self._producer.create_batch())
        if not filling.append(record):
            size = len(record.value or b"")
            raise CannotProduceError(f"a record of {size} bytes does not fit any batch")

    async def _hand_over(self, place: _Place) -> None:
        filling = self._filling.pop(place, None)
        if filling is None:
            return
        while len(self._in_flight) >= _MAX_BATCHES_IN_FLIGHT:
            await self._wait_for_room()
        self._raise_error()
        topic, partition = place
        filling.builder.close()
        try:
            future = await self._producer.send_batch(
                filling.builder, self._prefix + topic, partition=partition
            )
        except KafkaError as error:
            raise self._refused(error) from error
        self._in_flight.add(future)
        future.add_done_callback(self._acknowledge(filling))

    def _acknowledge(self, filling: "_Filling") -> Callable[[asyncio.Future[Any]], None]:
        def done(future: asyncio.Future[Any]) -> None:
            self._in_flight.discard(future)
            self._room.set()
            if future.cancelled():
                return
            if (error := future.exception()) is not None:
                self._error = self._error or error
                return
            self.sent.update(filling.kinds)
            self.bytes_sent += filling.bytes_appended

        return done

    async def _wait_for_room(self) -> None:
        self._room.clear()
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS * 2):
                await self._room.wait()
        except TimeoutError as error:
            raise self._refused(error) from error

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._refused(self._error) from self._error

    def _refused(self, error: BaseException) -> CannotProduceError:
        return CannotProduceError(
            f"Kafka did not take all records ({type(error).__name__}: {error}); it acknowledged"
            f" {self.sent.total():,}. Check that it is up, then run again with the same seed"
        )

    async def _connected(self) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._producer.start()
        except (KafkaError, TimeoutError, OSError) as error:
            await self._stop()
            await self._tell_denial()
            raise CannotProduceError(
                f"cannot reach Kafka at {self._servers}: {error or 'no answer'}. Start one with"
                " `rollcall up`, or set ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"
            ) from error

    async def _tell_denial(self) -> None:
        try:
            await refuse_if_denied(self._access)
        except AccessDeniedError as error:
            raise CannotProduceError(str(error)) from error

    async def _count_partitions(self, topic: str) -> int:
        """Ask for a topic's partitions, for a moment again and again: it may be quite new."""
        name = self._prefix + topic
        give_up_at = time.monotonic() + _NEW_TOPIC_SECONDS
        while True:
            metadata = await self._producer.client.fetch_all_metadata()
            if partitions := metadata.partitions_for_topic(name):
                return len(partitions)
            if time.monotonic() > give_up_at:
                raise CannotProduceError(
                    f"topic {name} is not in Kafka at {self._servers}. Create the topics with"
                    " `essay-lifecycle-service topics`, or check ROLLCALL_TOPIC_PREFIX"
                )
            await asyncio.sleep(_NEW_TOPIC_SECONDS / 10)

    async def _stop(self) -> None:
        """Close within a bound: aiokafka waits for ever for a Kafka that is gone."""
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS / 3):
                await self._producer.stop()
        except TimeoutError:
            return


class _Filling:
    """A batch of one partition that takes records until it is full."""

    __slots__ = ("builder", "bytes_appended", "kinds")

    def __init__(self, builder: Any) -> None:
        self.builder = builder
        self.kinds: Counter[Kind] = Counter()
        self.bytes_appended = 0

    def append(self, record: Record) -> bool:
        """Add a record; says whether it fitted."""
        if self.builder.append(timestamp=None, key=record.key, value=record.value) is None:
            return False
        self.kinds[record.kind] += 1
        self.bytes_appended += len(record.value or b"")
        return True
