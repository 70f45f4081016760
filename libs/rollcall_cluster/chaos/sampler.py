"""Looks at a deployment from outside, twice a second: Kafka's ends, PostgreSQL's positions, replicas."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from rollcall.access.kafka import kafka_options_at
from rollcall.database.failures import DATABASE_ERRORS
from rollcall_cluster.chaos.fleet import Fleet, Member
from rollcall_cluster.chaos.idleness import IdleWatch, PartitionName
from rollcall_cluster.chaos.recovery import Point
from rollcall_cluster.chaos.world import World
from rollcall_events.topics import TOPICS

_INTERVAL_SECONDS = 0.5
_ANSWER_SECONDS = 2.0
_CONNECT_SECONDS = 5.0

_POSITIONS = "SELECT topic, partition, next_offset FROM position WHERE consumer_group = $1"


@dataclass(frozen=True, slots=True)
class Sample:
    """Everything seen at one moment."""

    point: Point
    ready: int
    """Replicas that are ready."""
    wanted: int
    """Replicas that should be."""

    @property
    def complete(self) -> bool:
        """Tell whether every wanted replica is ready."""
        return self.ready >= self.wanted


class Sampler:
    """Collects samples from `watching` on; times are seconds of `clock`."""

    def __init__(self, fleet: Fleet, world: World, began: float, stall_seconds: float) -> None:
        self.samples: list[Sample] = []
        self.unready: list[str] = []
        """Replicas that should be ready and are not, by the last sample, and what they say."""
        self.idle = IdleWatch(stall_seconds)
        self._fleet = fleet
        self._world = world
        self._began = began
        self._task: asyncio.Task[None] | None = None
        self._kafka = _KafkaEnds(world)
        self._postgres = _Positions(world)

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    @property
    def points(self) -> list[Point]:
        """The outside view of every sample."""
        return [sample.point for sample in self.samples]

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Sample in the background."""
        self._task = asyncio.create_task(self._watch(), name="sampler")
        try:
            yield
        finally:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            await self._kafka.close()
            self._postgres.close()

    def check(self) -> None:
        """Raise what ended the sampling, if anything did."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def _watch(self) -> None:
        async with httpx.AsyncClient(timeout=_ANSWER_SECONDS) as client:
            while True:
                due = time.monotonic() + _INTERVAL_SECONDS
                await self._sample(client)
                await asyncio.sleep(max(due - time.monotonic(), 0.05))

    async def _sample(self, client: httpx.AsyncClient) -> None:
        wanted = self._fleet.wanted
        at = self.now
        # Positions first: what is produced meanwhile shows as lag, never as less than none.
        positions, answers = await asyncio.gather(
            self._postgres.read(), asyncio.gather(*(_ask(client, member) for member in wanted))
        )
        ends = await self._kafka.read()
        ready = [answer is not None and bool(answer["ready"]) for answer in answers]
        point = Point(round(at, 2), _sum(ends), _sum(positions))
        self.samples.append(Sample(point, sum(ready), len(wanted)))
        self.unready = [
            f"{member.name}: {_excuse(member, answer)}"
            for member, answer, is_ready in zip(wanted, answers, ready, strict=True)
            if not is_ready
        ]
        for member, answer, is_ready in zip(wanted, answers, ready, strict=True):
            if answer is None or not is_ready or ends is None or positions is None:
                self.idle.excuse(member.name)
                continue
            owned = frozenset((p["topic"], p["partition"]) for p in answer["partitions"])
            self.idle.look(at, member.name, owned, positions, ends)


def _excuse(member: Member, answer: dict[str, Any] | None) -> str:
    """Why a replica is not ready, as it says itself, or as it looks."""
    if answer is not None:
        return "; ".join(answer["problems"])
    return "ended by itself" if member.replica.process is None else "no answer"


async def _ask(client: httpx.AsyncClient, member: Member) -> dict[str, Any] | None:
    try:
        response = await client.get(f"{member.replica.url}/v1/instance")
        answer: dict[str, Any] = response.raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    return answer


class _KafkaEnds:
    """The ends of the input topics."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._consumer: AIOKafkaConsumer | None = None
        self._partitions = [
            TopicPartition(topic.prefixed(world.topic_prefix), partition)
            for topic in TOPICS
            if topic.direction == "in"
            for partition in range(topic.partitions)
        ]

    async def read(self) -> dict[PartitionName, int] | None:
        """End offsets, or None if Kafka does not answer in time."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                consumer = await self._connected()
                ends = await consumer.end_offsets(self._partitions)
        except (KafkaError, OSError, TimeoutError):
            return None
        return {(tp.topic, tp.partition): end for tp, end in ends.items()}

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **kafka_options_at(self._world.brokers),
                client_id="rollcall-chaos",
                request_timeout_ms=int(_ANSWER_SECONDS * 1000),
                retry_backoff_ms=50,
                metadata_max_age_ms=10_000,
            )
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer

    async def close(self) -> None:
        if self._consumer is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await self._consumer.stop()


class _Positions:
    """The positions in PostgreSQL, on a connection of its own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._connection: asyncpg.Connection | None = None

    async def read(self) -> dict[PartitionName, int] | None:
        """Next offsets, or None if PostgreSQL does not answer in time."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                if self._connection is None:
                    self._connection = await self._connect()
                rows = await self._connection.fetch(_POSITIONS, self._world.group)
        except DATABASE_ERRORS:
            self.close()
            return None
        return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._world.dsn,
            timeout=_ANSWER_SECONDS,
            server_settings={
                "search_path": self._world.schema,
                "application_name": "rollcall-chaos-sampler",
            },
        )

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


def _sum(offsets: Mapping[PartitionName, int] | None) -> int | None:
    return None if offsets is None else sum(offsets.values())
