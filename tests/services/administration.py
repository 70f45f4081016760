"""Administration over HTTP: a replica's tokens, and clients that have one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.http_client import http_client
from tests.service_process import ServiceProcess

OLD, NEW = "an-old-token-of-ours", "the-token-after-that"
ADMIN = {
    "ROLLCALL_ADMIN_TOKENS": f"{OLD}, {NEW}",
    "ROLLCALL_ADMIN_REQUESTS_PER_SECOND": "1000",
}


@asynccontextmanager
async def admin(
    replica: ServiceProcess, token: str | None = OLD
) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with http_client(base_url=replica.url, headers=headers) as client:
        yield client


async def document(
    client: httpx.AsyncClient, path: str, expect: int = 200, **body: Any
) -> dict[str, Any]:
    """POST, or GET without a body; what is answered, as JSON."""
    answer = await (client.post(path, json=body) if body else client.get(path))
    assert answer.status_code == expect, answer.text
    kind = "application/json" if expect == 200 else "application/problem+json"
    assert answer.headers["content-type"] == kind
    return answer.json()
