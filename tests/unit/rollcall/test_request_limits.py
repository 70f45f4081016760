"""Requests that are too many, too large or too long are refused before a route works on them."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, Request

from rollcall.http import create_app
from rollcall.rate_limit import TokenBucket
from rollcall.request_limits import RequestLimits
from rollcall.settings import ServiceSettings


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """An application that takes 100 bytes and 8 headers."""
    router = APIRouter()

    @router.post("/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    @router.post("/json")
    async def take(body: list[int]) -> int:
        return len(body)

    @router.post("/own")
    async def own(request: Request) -> int:
        return len(await request.body())

    app = create_app("test", "1", [router])
    limits = RequestLimits(app, 8, 100, frozenset({"/own"}))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(limits), base_url="http://test"
    ) as client:
        yield client


@pytest.mark.parametrize("path", ["/echo", "/json"])
async def test_a_body_beyond_the_limit_is_refused_with_and_without_its_length(
    client: httpx.AsyncClient, path: str
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"1" * 10

    for content in (b"1" * 101, parts()):
        answer = await client.post(path, content=content)
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert "at most 100 bytes" in answer.json()["detail"]


async def test_a_body_up_to_the_limit_and_one_that_its_route_bounds_are_taken(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.post("/echo", content=b"1" * 100)).json() == 100
    assert (await client.post("/own", content=b"1" * 1000)).json() == 1000


async def test_a_length_that_is_no_number_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/echo", headers={"content-length": "-1"})
    assert answer.status_code == 413


async def test_too_many_headers_are_refused(client: httpx.AsyncClient) -> None:
    headers = {f"x-{number}": "1" for number in range(9)}
    answer = await client.post("/echo", headers=headers)
    assert (answer.status_code, "at most 8 headers" in answer.text) == (431, True)


def test_a_bucket_gives_a_seconds_worth_at_once_and_then_as_fast_as_it_fills() -> None:
    now = 0.0
    bucket = TokenBucket(10, clock=lambda: now)
    assert [bucket.take() for _ in range(10)] == [0.0] * 10
    assert bucket.take() == pytest.approx(0.1)
    now = 0.05
    assert bucket.take() == pytest.approx(0.05)
    now = 0.1
    assert (bucket.take(), bucket.take()) == (0.0, pytest.approx(0.1))
    now = 100.0
    assert [bucket.take() == 0 for _ in range(11)] == [True] * 10 + [False]


def test_a_slow_bucket_holds_one() -> None:
    now = 0.0
    bucket = TokenBucket(0.5, clock=lambda: now)
    assert (bucket.take(), bucket.take()) == (0.0, pytest.approx(2))


def test_a_replica_listens_on_loopback_unless_told_otherwise() -> None:
    assert ServiceSettings.model_fields["http_host"].default == "127.0.0.1"
