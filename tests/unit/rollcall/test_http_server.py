"""The HTTP server costs nothing while nobody asks, ends when told, and knows what day it is."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fastapi import FastAPI

from rollcall import http
from rollcall.http import HttpServer
from rollcall.settings import ServiceSettings
from tests.eventually import DEADLINE_SECONDS, eventually
from tests.http_client import http_client


@pytest.fixture
def tick_seconds() -> float:
    """How often the date is made anew."""
    return http._TICK_SECONDS


@pytest_asyncio.fixture
async def server(
    monkeypatch: pytest.MonkeyPatch, tick_seconds: float
) -> AsyncIterator[tuple[HttpServer, asyncio.Task[None]]]:
    """One that listens, with the task that runs it."""
    monkeypatch.setattr(http, "_TICK_SECONDS", tick_seconds)
    server = HttpServer(ServiceSettings(service_name="s", http_port=0), FastAPI())
    running = asyncio.create_task(server.run())
    await server.listening.wait()
    yield server, running
    server.stop()
    await asyncio.wait_for(running, DEADLINE_SECONDS)


@pytest.mark.parametrize("tick_seconds", [3600.0])
async def test_it_ends_when_it_is_told(server: tuple[HttpServer, asyncio.Task[None]]) -> None:
    """Uvicorn's own looks ten times a second whether it shall: a tenth of what an idle replica costs."""
    http_server, running = server
    async with http_client() as client:
        assert (await client.get(f"{http_server.url}/")).status_code == 404
    http_server.stop()
    await asyncio.wait_for(running, DEADLINE_SECONDS)


@pytest.mark.parametrize("tick_seconds", [0.01])
async def test_answers_carry_the_time_of_the_answer(
    server: tuple[HttpServer, asyncio.Task[None]],
) -> None:
    http_server, _ = server
    async with http_client() as client:

        async def date() -> str:
            return (await client.get(f"{http_server.url}/")).headers["date"]

        first = await date()

        async def is_later() -> bool:
            return await date() != first

        await eventually(is_later)
