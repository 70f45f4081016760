"""The console over HTTP: the page, its files, and the stream of what changes."""

from fastapi import APIRouter, HTTPException, Request, Response

from rollcall.console.assets import NAMES, PAGE, asset
from rollcall.console.event_stream import EventStream
from rollcall.console.hub import Hub, TooManyListenersError

_HEADERS = {
    # Nothing inline, nothing from elsewhere, no markup made of strings, in nobody's frame.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def console_routes(hub: Hub) -> APIRouter:
    """The routes of the console; all are read-only and need no token."""
    # Not in the OpenAPI document: a page and its parts are no interface for programs.
    router = APIRouter(prefix="/console", include_in_schema=False)

    @router.get("", response_class=Response)
    async def page(request: Request) -> Response:
        """The page."""
        return _file(request, PAGE)

    @router.get("/assets/{name}", response_class=Response)
    async def file(request: Request, name: str) -> Response:
        """A file of the page."""
        if name not in NAMES:
            raise HTTPException(404, f"the console has no file {name!r}")
        return _file(request, name)

    @router.get("/events", response_class=Response)
    async def events() -> Response:
        """Server-sent events: one snapshot, then what has changed, once a second at most."""
        try:
            return EventStream(hub)
        except TooManyListenersError:
            raise HTTPException(
                503, "too many consoles are open here", headers={"Retry-After": "10"}
            ) from None

    return router


def _file(request: Request, name: str) -> Response:
    found = asset(name)
    headers = {**_HEADERS, "ETag": found.tag}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)
