"""Tokens for OAUTHBEARER: read anew, asked for once, renewed in time, refused with a reason."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka.errors import SaslAuthenticationFailed
from pydantic import SecretStr

from rollcall.access.kafka_tokens import ClientCredentials, FileTokens
from tests.clock import Clock


class Endpoint:
    """A token endpoint on a port of its own, which answers what it is told to."""

    def __init__(self) -> None:
        self.status, self.answer = 200, json.dumps({"access_token": "one", "expires_in": 100})
        self.requests: list[str] = []
        self.silent = False
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/token"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
        self.requests.append(head + (await reader.readexactly(length)).decode())
        if self.silent:
            await reader.read()
        body = self.answer.encode()
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        writer.write(body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest_asyncio.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    found = Endpoint()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()
    await server.wait_closed()


def credentials(endpoint: Endpoint, **options: Any) -> ClientCredentials:
    return ClientCredentials(endpoint.url, "me", SecretStr("s3cret"), scope="kafka", **options)


async def test_many_clients_share_one_token_until_most_of_its_life_is_over(
    endpoint: Endpoint,
) -> None:
    clock = Clock()
    tokens = credentials(endpoint, clock=clock)

    assert set(await asyncio.gather(*(tokens.token() for _ in range(5)))) == {"one"}
    clock.seconds = 79
    assert await tokens.token() == "one"
    endpoint.answer = json.dumps({"access_token": "two"})
    clock.seconds = 81

    assert await tokens.token() == "two"
    assert len(endpoint.requests) == 2


async def test_the_client_says_who_it_is_as_rfc_6749_wants(endpoint: Endpoint) -> None:
    await credentials(endpoint).token()

    (request,) = endpoint.requests
    assert base64.b64encode(b"me:s3cret").decode() in request
    assert request.endswith("grant_type=client_credentials&scope=kafka")


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (401, '{"error": "invalid_client"}'),
        (200, "[]"),
        (200, "no JSON"),
        (200, '{"expires_in": 9}'),
    ],
)
async def test_an_answer_without_a_token_is_a_refusal(
    endpoint: Endpoint, status: int, answer: str
) -> None:
    endpoint.status, endpoint.answer = status, answer

    with pytest.raises(SaslAuthenticationFailed, match="CLIENT_ID") as refusal:
        await credentials(endpoint).token()

    assert "s3cret" not in str(refusal.value)


async def test_an_endpoint_in_trouble_is_waited_for(endpoint: Endpoint) -> None:
    endpoint.status = 503
    with pytest.raises(ConnectionError, match="503"):
        await credentials(endpoint).token()

    endpoint.silent = True
    with pytest.raises(ConnectionError, match="ReadTimeout"):
        await credentials(endpoint, timeout_seconds=0.2).token()


async def test_a_file_is_read_anew_for_each_connection(tmp_path: Path) -> None:
    file = tmp_path / "token"
    tokens = FileTokens(file)
    with pytest.raises(SaslAuthenticationFailed, match="No such file"):
        await tokens.token()
    for content in ("one\n", "two"):
        await asyncio.to_thread(file.write_text, content)
        assert await tokens.token() == content.strip()
    await asyncio.to_thread(file.write_text, "\n")
    with pytest.raises(SaslAuthenticationFailed, match="empty"):
        await tokens.token()
