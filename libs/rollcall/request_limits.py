"""Bounds on requests before any route sees them: headers and bodies."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from rollcall.problems import problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class RequestLimits:
    """Refuses requests with too many headers (431) or too large a body (413).

    Args:
        own_limits: paths whose routes bound their bodies themselves.
    """

    def __init__(
        self, app: App, max_headers: int, max_body_bytes: int, own_limits: frozenset[str]
    ) -> None:
        self._app = app
        self._max_headers = max_headers
        self._max_body_bytes = max_body_bytes
        self._own_limits = own_limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        if scope["path"] in self._own_limits:
            await self._app(scope, receive, send)
            return
        await self._serve(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        if len(headers) > self._max_headers:
            return problem(431, f"at most {self._max_headers} headers are taken")
        if scope["path"] not in self._own_limits:
            stated = next((value for name, value in headers if name == b"content-length"), b"0")
            if not stated.isdigit() or int(stated) > self._max_body_bytes:
                return problem(413, self._too_large)
        return None

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what arrives: a body may come without its length."""
        arrived = 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > self._max_body_bytes:
                raise HTTPException(413, self._too_large)
            return message

        await self._app(scope, counted, send)

    @property
    def _too_large(self) -> str:
        return f"at most {self._max_body_bytes} bytes are taken"
