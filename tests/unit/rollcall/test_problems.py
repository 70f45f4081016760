"""Which errors tell a program to ask again, and which must not."""

import httpx
import pytest
from fastapi import APIRouter

from rollcall.errors import OperatorBusyError, OutcomeUnknownError
from rollcall.http import create_app


@pytest.mark.parametrize(
    ("error", "retry_after"),
    [(OperatorBusyError("in use"), "1"), (OutcomeUnknownError("not answered"), None)],
)
async def test_only_an_order_that_changed_nothing_is_to_be_given_again(
    error: Exception, retry_after: str | None
) -> None:
    router = APIRouter()

    @router.post("/order")
    async def order() -> None:
        raise error

    transport = httpx.ASGITransport(create_app("test", "1", [router]))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post("/order")
    assert (answer.status_code, answer.json()["detail"]) == (503, str(error))
    assert answer.headers.get("Retry-After") == retry_after
