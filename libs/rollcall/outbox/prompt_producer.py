"""A transactional producer that begins its next transaction as soon as Kafka allows it.

A commit is answered before its markers are written to the partitions; until they are, Kafka refuses
to begin the next transaction of the same id (CONCURRENT_TRANSACTIONS). aiokafka 0.14 then asks again
every 20 ms, which is several times what the markers take: at a low rate, most of an event's way.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.client import CoordinationType
from aiokafka.producer.sender import AddPartitionsToTxnHandler, Sender

from rollcall.cancellation import end

_FIRST_PAUSE_SECONDS = 0.002
_LONGEST_PAUSE_SECONDS = 0.05


class PromptProducer(AIOKafkaProducer):  # type: ignore[misc]
    """As `AIOKafkaProducer`, for the shape of a transaction that a lane has: partitions, then commit.

    Args:
        options: as of `AIOKafkaProducer`; a `transactional_id` is needed.
    """

    def __init__(self, *, request_timeout_ms: int, retry_backoff_ms: int, **options: Any) -> None:
        super().__init__(
            request_timeout_ms=request_timeout_ms, retry_backoff_ms=retry_backoff_ms, **options
        )
        self._sender = _PromptSender(
            self.client,
            acks=-1,
            txn_manager=self._txn_manager,
            message_accumulator=self._message_accumulator,
            retry_backoff_ms=retry_backoff_ms,
            request_timeout_ms=request_timeout_ms,
        )

    async def abort_in(self, partitions: Iterable[TopicPartition]) -> None:
        """Write an abort marker into each partition: the end of whatever this id has open there.

        Raises:
            aiokafka.errors.KafkaError: the outcome is unknown.
        """
        await self.begin_transaction()
        for partition in partitions:
            self._txn_manager.maybe_add_partition_to_txn(partition)
        await self.abort_transaction()


class _PromptSender(Sender):  # type: ignore[misc]
    """Counts the refusals of a beginning, so that their pauses can grow; ends with all it began."""

    _refusals = 0
    _request: asyncio.Task[Any] | None = None

    def _maybe_do_transactional_request(self) -> asyncio.Task[Any] | None:
        self._request = super()._maybe_do_transactional_request()
        return self._request

    async def close(self) -> None:
        """End the request to the coordinator, too: its search for one outlasts the sender's end."""
        await super().close()
        if self._request is not None:
            await end(self._request)

    async def _do_add_partitions_to_txn(self, partitions: Iterable[TopicPartition]) -> bool:
        coordinator = await self._find_coordinator(
            CoordinationType.TRANSACTION, self._txn_manager.transactional_id
        )
        added: bool = await _PromptHandler(self, partitions, self._refusals).do(coordinator)
        self._refusals = 0 if added else self._refusals + 1
        return added


class _PromptHandler(AddPartitionsToTxnHandler):  # type: ignore[misc]
    def __init__(self, sender: Sender, partitions: Iterable[TopicPartition], refusals: int) -> None:
        super().__init__(sender, partitions)
        self._refusals = refusals

    def handle_response(self, response: Any) -> float | None:
        pause: float | None = super().handle_response(response)
        if pause is None:
            return None
        return min(_FIRST_PAUSE_SECONDS * 1.5**self._refusals, _LONGEST_PAUSE_SECONDS)
