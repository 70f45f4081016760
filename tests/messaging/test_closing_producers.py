"""Closing a producer while Kafka does not answer takes seconds, and nothing of it goes on afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
import uvloop
from aiokafka import AIOKafkaProducer
from aiokafka.client import CoordinationType
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import NodeNotReadyError
from aiokafka.protocol.produce import ProduceRequest

from rollcall import ServiceSettings
from rollcall.ingest.producer import IngestProducer
from rollcall.outbox.lane_position import LanePosition
from rollcall.outbox.producer import LaneProducer
from rollcall.outbox.segment import SegmentCodec
from rollcall.topology import Topology
from rollcall_events.topics import TOPICS
from tests.eventually import DEADLINE_SECONDS, eventually
from tests.unit.model.lanes import segment

_MORE_THAN_SOCKETS_HOLD = 64 * 2**20


@pytest_asyncio.fixture
async def lane(kafka_bootstrap: str, topic_prefix: str) -> AsyncIterator[LaneProducer]:
    """The producer of a lane, open."""
    settings = ServiceSettings.model_validate(
        {"kafka_bootstrap_servers": kafka_bootstrap, "topic_prefix": topic_prefix}
    )
    producer = LaneProducer(settings, Topology(TOPICS), 0, SegmentCodec())
    await producer.open()
    yield producer
    await producer.close()


def _at_work() -> list[str]:
    """What still sends for some producer, or waits for its records."""
    names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    return [name for name in names if "Sender." in name or "Accumulator." in name]


def _without_answers(client: Any, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Records are never acknowledged from now on; set once some were sent."""
    send, sent = client.send, asyncio.Event()

    async def send_in_vain(node: int, request: Any, **options: Any) -> Any:
        if not isinstance(request, ProduceRequest):
            return await send(node, request, **options)
        sent.set()
        return await asyncio.Event().wait()

    monkeypatch.setattr(client, "send", send_in_vain)
    return sent


async def test_a_lane_leaves_no_sender_behind(
    lane: LaneProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would try again for ever, and the next owner's attempts add theirs."""
    sent = _without_answers(lane._producer.client, monkeypatch)
    publishing = asyncio.create_task(lane.publish([segment(1)]))
    async with asyncio.timeout(DEADLINE_SECONDS):
        await sent.wait()
        publishing.cancel()
        await asyncio.wait([publishing])
        await lane.close()
        await eventually(lambda: not _at_work(), message=lambda: f"at work: {_at_work()}")


async def test_a_lane_leaves_no_search_for_a_coordinator_behind(
    lane: LaneProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender, when it is ended, waits for one of its requests only."""
    producer, searched = lane._producer, asyncio.Event()

    async def nobody(*_: Any) -> int:
        searched.set()
        raise NodeNotReadyError

    sent = _without_answers(producer.client, monkeypatch)
    await producer.begin_transaction()
    await lane._send([segment(1)], None)
    async with asyncio.timeout(DEADLINE_SECONDS):
        await sent.wait()
        monkeypatch.setattr(producer.client, "coordinator_lookup", nobody)
        producer._sender._coordinator_dead(CoordinationType.TRANSACTION)
        await lane._send_position(LanePosition(1))
        await searched.wait()
        await lane.close()
    assert "_PromptSender._do_add_partitions_to_txn" not in _at_work()


class _Connection(AIOKafkaConnection):  # type: ignore[misc]
    """One that asks nothing when it connects."""

    async def _do_version_lookup(self) -> None:
        return


@asynccontextmanager
async def _frozen_peer(client: Any) -> AsyncIterator[None]:
    """A connection of the client's to a peer that takes no bytes, with bytes that wait for it."""
    let_go = asyncio.Event()

    async def take_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await let_go.wait()
        writer.transport.abort()

    server = await asyncio.start_server(take_nothing, "127.0.0.1", 0, limit=1)
    connection = _Connection("127.0.0.1", server.sockets[0].getsockname()[1])
    await connection.connect()
    client._conns[1, 0] = connection
    connection._writer.write(bytes(_MORE_THAN_SOCKETS_HOLD))
    try:
        yield
        async with asyncio.timeout(DEADLINE_SECONDS):
            await connection._closed_fut
    finally:
        let_go.set()
        server.close()


async def _close_lane() -> None:
    producer = LaneProducer(ServiceSettings(), Topology(TOPICS), 0, SegmentCodec())
    async with _frozen_peer(producer._producer.client), asyncio.timeout(DEADLINE_SECONDS):
        await producer.close()


async def _close_ingest() -> None:
    ingest = IngestProducer(ServiceSettings())
    ingest._producer = producer = AIOKafkaProducer()
    async with _frozen_peer(producer.client), asyncio.timeout(DEADLINE_SECONDS):
        await ingest.close()


@pytest.mark.parametrize("close", [_close_lane, _close_ingest])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_peer_that_takes_no_bytes_holds_nothing_up(
    close: Callable[[], Coroutine[Any, Any, None]],
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """A lane whose producer cannot be closed would stay locked until its process ends."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(close())
