"""Who may read, and how often administrators and readers may ask: the application as it is served."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
from dishka.integrations.fastapi import setup_dishka

from essay_lifecycle_service.wiring import create_container
from rollcall import Service

BATCH = "/v1/batches/0c9a7a52-5f0e-4f3b-8f0a-6d1f1c2b3a44"
READ, ADMIN = "a-token-for-readers", "a-token-for-admins"
Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def opened(database: str, monkeypatch: pytest.MonkeyPatch) -> Open:
    """`async with opened(ROLLCALL_READ_TOKENS=...) as client`: the application under these settings."""

    @asynccontextmanager
    async def start(**settings: str) -> AsyncIterator[httpx.AsyncClient]:
        known = {"ROLLCALL_POSTGRES_DSN": database, "ROLLCALL_DATABASE_SCHEMA": "els"}
        for name, value in (known | settings).items():
            monkeypatch.setenv(name, value)
        container = create_container()
        service = await container.get(Service)
        service.configure_app(lambda app: setup_dishka(container, app))
        await service.database.open()
        transport = httpx.ASGITransport(service.create_app(), raise_app_exceptions=False)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                yield client
        finally:
            await service.database.close()
            await container.close()

    return start


async def test_readers_need_a_token_only_if_there_are_any(opened: Open) -> None:
    path = BATCH
    async with opened() as client:
        assert (await client.get(path)).status_code == 404
    async with opened(ROLLCALL_READ_TOKENS=READ, ROLLCALL_ADMIN_TOKENS=ADMIN) as client:
        refused = await client.get(path)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        for token, status in [(READ, 404), (ADMIN, 404), (READ + "x", 401)]:
            answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status
        as_reader = {"Authorization": f"Bearer {READ}"}
        assert (await client.get("/v1/pending", headers=as_reader)).status_code == 401
        assert (await client.get("/healthz/live")).status_code == 200


@pytest.mark.parametrize(
    ("variable", "path"),
    [
        ("ROLLCALL_ADMIN_REQUESTS_PER_SECOND", "/v1/audit"),
        ("ROLLCALL_READ_REQUESTS_PER_SECOND", BATCH),
    ],
)
async def test_more_requests_than_the_limit_are_told_when_to_come_again(
    opened: Open, variable: str, path: str
) -> None:
    """Those that have no valid token count as well: nobody guesses faster than that."""
    async with opened(ROLLCALL_ADMIN_TOKENS=ADMIN, **{variable: "0.01"}) as client:
        first, second = await client.get(path), await client.get(path)
        assert first.status_code in (401, 404)
        assert (second.status_code, second.headers["content-type"]) == (
            429,
            "application/problem+json",
        )
        assert 0 < int(second.headers["retry-after"]) <= 100
        assert (await client.get("/healthz/live")).status_code == 200
