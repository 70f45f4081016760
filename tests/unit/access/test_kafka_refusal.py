"""Who does not answer is not asked in other ways; who hangs up is."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from rollcall.access import kafka_refusal
from rollcall.access.kafka import KafkaAccess
from rollcall.access.kafka_refusal import refuse_if_denied


class Stranger:
    """Something that listens and is no Kafka."""

    def __init__(self) -> None:
        self.visits = 0
        self.hangs_up = False
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        if not self.hangs_up:
            await reader.read()
        writer.close()


@pytest_asyncio.fixture
async def stranger() -> AsyncIterator[Stranger]:
    found = Stranger()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()


async def test_who_is_silent_is_asked_once(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_refusal, "_STEP_SECONDS", 0.2)

    await refuse_if_denied(KafkaAccess(kafka_bootstrap_servers=f"127.0.0.1:{stranger.port}"))

    assert stranger.visits == 1


async def test_who_hangs_up_without_a_word_is_waited_for(stranger: Stranger) -> None:
    """A load balancer whose brokers are down looks like that: no reason to end."""
    stranger.hangs_up = True

    await refuse_if_denied(KafkaAccess(kafka_bootstrap_servers=f"127.0.0.1:{stranger.port}"))

    assert stranger.visits > 1


async def test_nobody_there_is_waited_for(unused_tcp_port: int) -> None:
    await refuse_if_denied(KafkaAccess(kafka_bootstrap_servers=f"127.0.0.1:{unused_tcp_port}"))
