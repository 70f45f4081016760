"""Faults that end sessions of the replicas: without any, nothing was inflicted."""

import asyncio
from contextlib import asynccontextmanager
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from rollcall_cluster.chaos.faults import FAULTS, NotInflictedError, postgres

NAMES = ("postgres-terminate", "postgres-terminate-starting", "postgres-cancel")


def _arena(sessions: int) -> Any:
    @asynccontextmanager
    async def database():
        yield AsyncMock(fetchval=AsyncMock(return_value=sessions))

    fleet = AsyncMock(addresses_at=Mock(return_value={("127.0.0.1", 5)}))
    return SimpleNamespace(database=database, fleet=fleet, any_replica=lambda: 2)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda _seconds: sleep(0))
    monkeypatch.setattr(postgres, "time", SimpleNamespace(monotonic=count().__next__))


@pytest.mark.parametrize("name", NAMES)
async def test_without_sessions_nothing_was_inflicted(name: str):
    """PostgreSQL may know the replicas by other addresses: behind a pooler, for instance."""
    with pytest.raises(NotInflictedError, match="no session of the replicas"):
        await FAULTS[name]().inflict(_arena(0))


@pytest.mark.parametrize("name", NAMES)
async def test_with_sessions_it_was(name: str):
    """One is enough."""
    await FAULTS[name]().inflict(_arena(1))
