"""What a test of several instances needs: to have them, feed them, wait for them, compare them."""

import asyncio
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from aiokafka import AIOKafkaProducer

from rollcall.access.kafka import kafka_options_at
from rollcall_cluster.embedded.servers import KAFKA_VARIABLE
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.testing.batches import content, message, registration
from rollcall_cluster.testing.client import ClusterClient, Strategy
from rollcall_cluster.testing.temporary import INSTANCES_VARIABLE, els_count, temporary_cluster
from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1
from rollcall_events.topics import topic_for

_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A batch to create: its slots, and how many contents are sent for them (all by default)."""

    slots: int
    contents: int | None = None

    @property
    def contents_to_send(self) -> int:
        """Contents, where the request says nothing one for each slot."""
        return self.slots if self.contents is None else self.contents


class MultiInstanceTestManager:
    """A cluster of N instances for one test or many. Use as an asynchronous context manager.

    Instances count as there when they are ready: pools are open, partitions assigned, lanes owned. So
    nothing has to be waited for beyond `wait_for_healthy`.
    """

    def __init__(
        self, els_count: int = 3, pipeline_count: int = 0, urls: Sequence[str] = ()
    ) -> None:
        if pipeline_count:
            raise ClusterError(
                f"{pipeline_count} pipeline workers were asked for; this release has none",
                "leave pipeline_count at 0",
            )
        self.els_count = len(urls) or els_count
        self._given = tuple(urls)
        self._started = ExitStack()
        self._client: ClusterClient | None = None
        self._producer: AIOKafkaProducer | None = None

    @classmethod
    def from_env(cls) -> Self:
        """The instances of ROLLCALL_TEST_INSTANCES, else as many of its own as ROLLCALL_TEST_ELS_COUNT says.

        With given instances, ROLLCALL_KAFKA_BOOTSTRAP_SERVERS and ROLLCALL_TOPIC_PREFIX say where their
        input is.
        """
        return cls(els_count=els_count(), urls=_urls(os.environ))

    @classmethod
    async def setup_from_env(cls) -> Self:
        """`from_env`, up and connected; end it with `teardown`."""
        return await cls.from_env().setup()

    async def setup(self) -> Self:
        """Start what is to be started, and connect."""
        try:
            environment = await self._environment()
            self._client = ClusterClient(_urls(environment), Strategy.ROUND_ROBIN)
            self._prefix = environment.get("ROLLCALL_TOPIC_PREFIX", "")
            self._producer = AIOKafkaProducer(
                **kafka_options_at(environment[KAFKA_VARIABLE]),
                enable_idempotence=True,
                linger_ms=2,
            )
            await self._producer.start()
        except BaseException:
            await self.teardown()
            raise
        return self

    async def teardown(self) -> None:
        """Disconnect; stop and delete what was started."""
        if self._producer is not None:
            await self._producer.stop()
        if self._client is not None:
            await self._client.__aexit__(None, None, None)
        self._producer = self._client = None
        await asyncio.to_thread(self._started.close)

    async def __aenter__(self) -> Self:
        return await self.setup()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.teardown()

    @property
    def client(self) -> ClusterClient:
        """Asks the instances in turn."""
        if self._client is None:
            raise ClusterError("the cluster is not set up", "`await manager.setup()` comes first")
        return self._client

    async def instance_counts(self) -> dict[str, int]:
        """Instances that are ready, by service."""
        ready = [await self.client.is_ready(url) for url in self.client.urls]
        return {"essay-lifecycle-service": sum(ready), "pipeline-worker": 0}

    async def wait_for_healthy(self, timeout_seconds: float = 60.0) -> None:
        """Return once every instance is ready.

        Raises:
            TimeoutError: one is not, within `timeout_seconds`.
        """

        async def all_ready() -> bool:
            counts = await self.instance_counts()
            return counts["essay-lifecycle-service"] == self.els_count

        await _until(all_ready, timeout_seconds, f"{self.els_count} instances are ready")

    async def create_batches_concurrent(self, requests: Iterable[BatchRequest]) -> list[UUID]:
        """Register all batches and send their contents, side by side; returns their ids in order.

        Returns when Kafka has everything, not when it is handled.
        """
        return list(await asyncio.gather(*(self._create(request) for request in requests)))

    async def wait_for_batch_completion(
        self, batch_id: UUID, timeout_seconds: float = 30.0
    ) -> dict[str, Any]:
        """The batch as the read API shows it, once it is completed.

        Raises:
            TimeoutError: it is not, within `timeout_seconds`.
        """
        found: dict[str, Any] = {}

        async def completed() -> bool:
            answer = await self.client.get(f"/v1/batches/{batch_id}")
            found.update(answer.json())
            return answer.status_code == 200 and found["state"] == "completed"

        await _until(completed, timeout_seconds, f"batch {batch_id} is completed")
        return found

    async def wait_for_batches_completion(
        self, batch_ids: Iterable[UUID], timeout_seconds: float = 60.0
    ) -> list[dict[str, Any]]:
        """The batches, once all of them are completed."""
        waits = (self.wait_for_batch_completion(each, timeout_seconds) for each in batch_ids)
        return list(await asyncio.gather(*waits))

    async def verify_batch_consistency(self, batch_id: UUID) -> dict[str, Any]:
        """Compare what every instance says of a completed batch, slot by slot; returns the batch.

        Raises:
            AssertionError: two instances differ, counters and slots differ, or a content has two slots.
        """
        batches = await self.client.get_from_each(f"/v1/batches/{batch_id}")
        essays = await self.client.get_from_each(f"/v1/batches/{batch_id}/essays?limit=1000")
        _require_same(f"batch {batch_id}", {url: each.json() for url, each in batches.items()})
        _require_same(f"essays of {batch_id}", {url: each.json() for url, each in essays.items()})
        batch: dict[str, Any] = next(iter(batches.values())).json()
        page = next(iter(essays.values())).json()
        if page["next_after"] is None:
            _require_counts(batch, page["essays"])
        return batch

    async def _environment(self) -> dict[str, str]:
        if self._given:
            if not os.environ.get(KAFKA_VARIABLE):
                raise ClusterError(
                    f"{INSTANCES_VARIABLE} names instances and {KAFKA_VARIABLE} is not set",
                    f"set {KAFKA_VARIABLE} to the brokers that the instances read",
                )
            return {**os.environ, INSTANCES_VARIABLE: ",".join(self._given)}
        cluster = temporary_cluster(self.els_count)
        return await asyncio.to_thread(self._started.enter_context, cluster)

    async def _create(self, request: BatchRequest) -> UUID:
        batch_id = uuid.uuid4()
        await self._send(registration(batch_id, request.slots))
        numbers = range(request.contents_to_send)
        await asyncio.gather(*(self._send(content(batch_id, number)) for number in numbers))
        return batch_id

    async def _send(self, event: BatchEssaysRegisteredV1 | EssayContentProvisionedV1) -> None:
        if self._producer is None:
            raise ClusterError("the cluster is not set up", "`await manager.setup()` comes first")
        topic = topic_for(type(event)).prefixed(self._prefix)
        key = str(event.batch_id).encode()
        await self._producer.send_and_wait(topic, message(event), key=key)


def _urls(environment: Mapping[str, str]) -> list[str]:
    return [url for url in environment.get(INSTANCES_VARIABLE, "").split(",") if url]


async def _until(
    condition: Callable[[], Awaitable[bool]], timeout_seconds: float, what: str
) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_seconds:g} s: {what}")
        await asyncio.sleep(_POLL_SECONDS)


def _require_same(what: str, told: dict[str, Any]) -> None:
    (first_url, first), *rest = told.items()
    for url, other in rest:
        assert other == first, f"{what}: {first_url} says {first}, {url} says {other}"


def _require_counts(batch: dict[str, Any], essays: list[dict[str, Any]]) -> None:
    for state in ("filled", "failed", "missing", "open"):
        found = sum(essay["state"] == state for essay in essays)
        assert found == batch[f"{state}_count"], (
            f"{found} slots are {state}, the counter says {batch[f'{state}_count']}"
        )
    contents = [essay["text_storage_id"] for essay in essays if essay["state"] == "filled"]
    assert len(contents) == len(set(contents)), "a content holds two slots"
