"""How soon a lane asks again to begin its transaction while Kafka still ends the one before."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import ConcurrentTransactions, NoError, ProducerFenced
from aiokafka.producer import sender as aiokafka_sender

from rollcall.outbox import prompt_producer
from rollcall.outbox.prompt_producer import PromptProducer

_PARTITION = TopicPartition("out", 0)
_FENCED = 47


@pytest.fixture
async def producer():
    made = PromptProducer(transactional_id="lane", request_timeout_ms=8000, retry_backoff_ms=20)
    made._txn_manager.set_pid_and_epoch(1, 0)
    made._txn_manager.begin_transaction()
    made._txn_manager.maybe_add_partition_to_txn(_PARTITION)
    yield made
    made._closed = True


async def _pauses(
    producer: PromptProducer, codes: Sequence[int], monkeypatch: pytest.MonkeyPatch
) -> list[float]:
    """The pauses after each answer of a broker that answers with these error codes."""
    answers, pauses = iter(codes), []

    async def coordinator(*_: Any) -> int:
        return 0

    async def answer(*_: Any, **__: Any) -> Any:
        return SimpleNamespace(errors=[(_PARTITION.topic, [(_PARTITION.partition, next(answers))])])

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    sender = producer._sender
    monkeypatch.setattr(sender, "_find_coordinator", coordinator)
    monkeypatch.setattr(producer.client, "send", answer)
    monkeypatch.setattr(aiokafka_sender.asyncio, "sleep", pause)
    for _ in codes:
        await sender._do_add_partitions_to_txn({_PARTITION})
    return pauses


async def test_pauses_begin_short_grow_and_are_bounded(
    producer: PromptProducer, monkeypatch: pytest.MonkeyPatch
):
    pauses = await _pauses(producer, [ConcurrentTransactions.errno] * 12, monkeypatch)
    assert pauses[0] < 0.003
    assert pauses == sorted(pauses)
    assert pauses[-1] == prompt_producer._LONGEST_PAUSE_SECONDS


async def test_a_transaction_that_began_makes_the_next_pause_short_again(
    producer: PromptProducer, monkeypatch: pytest.MonkeyPatch
):
    codes = [ConcurrentTransactions.errno] * 5 + [NoError.errno, ConcurrentTransactions.errno]
    pauses = await _pauses(producer, codes, monkeypatch)
    assert len(pauses) == 6
    assert pauses[-1] == pauses[0]


async def test_a_fenced_producer_does_not_ask_again(
    producer: PromptProducer, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(ProducerFenced):
        await _pauses(producer, [_FENCED], monkeypatch)
