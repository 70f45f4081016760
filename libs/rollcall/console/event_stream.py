"""A response of server-sent events that ends when its listener does, when its page is gone, or at a stop."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rollcall.console.hub import Hub

_SEND_SECONDS = 5.0
_HEADERS = {
    "Cache-Control": "no-store",
    # nginx passes on each event as it comes.
    "X-Accel-Buffering": "no",
}
_RETRY = b"retry: 2000\n\n"


class EventStream(Response):
    """Sends what one listener of a hub is given.

    Raises:
        TooManyListenersError: on construction, before anything is sent.
    """

    media_type = "text/event-stream"

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._listener = hub.listen()
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until one side ends; a client that takes nothing for 5 s is let go."""
        gone = asyncio.ensure_future(_disconnected(receive))
        gone.add_done_callback(lambda _: self._listener.end())
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await send(
                    {
                        "type": "http.response.start",
                        "status": self.status_code,
                        "headers": self.raw_headers,
                    }
                )
            await self._send(send, _RETRY)
            while (message := await self._listener.next()) is not None:
                await self._send(send, message)
            await self._send(send, b"", more=False)
        except TimeoutError:
            return
        finally:
            gone.cancel()
            self._hub.leave(self._listener)

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(_SEND_SECONDS):
            await send({"type": "http.response.body", "body": body, "more_body": more})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
