"""A Kafka connection that breaks between two steps of the client's is an error that the client knows."""

import asyncio
import socket
import struct

import pytest
import uvloop
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError, NodeNotReadyError
from aiokafka.protocol.admin import ApiVersionRequest

from rollcall.broken_connections import mend_lookup, mend_sending
from rollcall.topic_admin import wait_for_controller
from tests.eventually import eventually

_RESET = struct.pack("ii", 1, 0)
_SECONDS = 60


class _Connection(AIOKafkaConnection):
    """One that asks nothing when it connects."""

    async def _do_version_lookup(self) -> None:
        return


async def _reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    peer = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _send_on_a_connection_that_is_gone() -> bool:
    """Returns whether the connection believes that it is connected, after the error."""
    server = await asyncio.start_server(_reset, "127.0.0.1", 0)
    connection = _Connection(
        "127.0.0.1", server.sockets[0].getsockname()[1], request_timeout_ms=_SECONDS * 1000
    )
    async with asyncio.timeout(_SECONDS):
        await connection.connect()
        connection._read_task.cancel()  # it has not noticed yet
        await eventually(connection._writer.transport.is_closing, message="reset")
    server.close()
    try:
        with pytest.raises(KafkaConnectionError, match="broken"):
            await connection.send(ApiVersionRequest())
        return connection.connected()
    finally:
        connection.close()


def test_a_write_after_the_end_is_a_broken_connection() -> None:
    """Not a RuntimeError, which would end the client's task."""
    mend_sending()
    mend_sending()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert not runner.run(_send_on_a_connection_that_is_gone())


async def test_a_cluster_that_names_no_broker_is_asked_again(kafka_bootstrap: str) -> None:
    """Not an AssertionError, which would end the group's task or a lane: the broker comes back."""
    mend_lookup()
    mend_lookup()
    client = AIOKafkaClient(bootstrap_servers=kafka_bootstrap)
    await client.bootstrap()
    try:
        brokers, client.cluster._brokers = client.cluster._brokers, {}
        with pytest.raises(NodeNotReadyError) as told:
            await client.coordinator_lookup(CoordinationType.GROUP, "a-group")
        assert told.value.retriable
        client.cluster._brokers = brokers
        assert await client.coordinator_lookup(CoordinationType.GROUP, "a-group") in brokers
    finally:
        await client.close()


async def test_topics_are_created_once_the_cluster_names_its_controller(
    kafka_bootstrap: str,
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        admin._client.cluster.controller = None
        async with asyncio.timeout(_SECONDS):
            await wait_for_controller(admin)
        assert admin._client.cluster.controller is not None
    finally:
        await admin.close()
