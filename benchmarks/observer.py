"""Sees, as any other consumer would, when every completion is readable."""

import time
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Self
from uuid import UUID

from aiokafka import AIOKafkaConsumer

from benchmarks.deployment import Deployment
from benchmarks.errors import BenchmarkError
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    BatchEssaysReadyV1,
    DeadLetterV1,
)

_POLL_MS = 100
_ANNOUNCEMENTS = (BatchContentProvisioningCompletedV1, BatchEssaysReadyV1)


class CompletionObserver:
    """Reads the completion topics alone, read_committed, from before the run to its end.

    A batch is complete when both of its announcements have arrived here. Dead letters are counted.
    """

    def __init__(self, deployment: Deployment) -> None:
        topics = [deployment.topic(model) for model in _ANNOUNCEMENTS]
        self._dead_letters_topic = deployment.topic(DeadLetterV1)
        self._dead_letters = 0
        self._consumer = AIOKafkaConsumer(
            *topics,
            self._dead_letters_topic,
            bootstrap_servers=deployment.bootstrap_servers,
            group_id=None,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_POLL_MS,
        )
        self._seen: dict[str, set[bytes]] = {topic: set() for topic in topics}

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._consumer.stop()

    async def wait_for(
        self,
        batch_ids: Collection[UUID],
        dead_letters: int,
        deadline_seconds: float,
        check_alive: Callable[[], None],
    ) -> float:
        """Return the moment (time.perf_counter) at which the last of these batches was complete.

        And so many dead letters, all told, were readable.

        Raises:
            BenchmarkError: some batch is not complete before the deadline, or a contestant died.
        """
        wanted = {str(batch_id).encode() for batch_id in batch_ids}
        deadline = time.perf_counter() + deadline_seconds
        while self._dead_letters < dead_letters or not all(
            wanted <= seen for seen in self._seen.values()
        ):
            if time.perf_counter() > deadline:
                raise BenchmarkError(self._shortfall(wanted, deadline_seconds))
            check_alive()
            for partition, records in (await self._consumer.getmany(timeout_ms=_POLL_MS)).items():
                if partition.topic == self._dead_letters_topic:
                    self._dead_letters += len(records)
                else:
                    self._seen[partition.topic].update(record.key for record in records)
        return time.perf_counter()

    def _shortfall(self, wanted: set[bytes], deadline_seconds: float) -> str:
        found = ", ".join(
            f"{len(wanted & seen)} of {len(wanted)} in {topic}"
            for topic, seen in self._seen.items()
        )
        return f"not complete after {deadline_seconds:.0f} s: {found}"
