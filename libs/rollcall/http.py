"""The HTTP server of a service: health, metrics, the instance, and the service's own routes."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from rollcall import ticks
from rollcall.problems import add_problem_handlers
from rollcall.settings import ServiceSettings
from rollcall.telemetry.health import Health
from rollcall.telemetry.metrics import Metrics

log = structlog.get_logger()

_TICK_SECONDS = 1.0


_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"description": "Not ready", "content": {"application/json": {"schema": {}}}}
}
_METRICS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}}
}


class PartitionStatus(BaseModel):
    """A partition that this instance owns."""

    topic: str
    partition: int
    next_offset: int
    lag: int


class InstanceStatus(BaseModel):
    """What one instance says of itself at `/v1/instance`."""

    instance_id: str
    service: str
    version: str
    pid: int
    started_at: str
    ready: bool
    problems: list[str]
    notices: list[str]
    partitions: list[PartitionStatus]
    lag: int
    lanes: list[int]
    records_total: int
    records_per_second: float


def runtime_routes(
    health: Health, metrics: Metrics, status: Callable[[], InstanceStatus]
) -> APIRouter:
    """Routes that every service has."""
    router = APIRouter()

    @router.get("/healthz/live", tags=["health"])
    async def live() -> dict[str, str]:
        """Answer while the event loop turns."""
        return {"status": "alive"}

    @router.get("/healthz/ready", tags=["health"], responses=_NOT_READY)
    async def ready() -> Response:
        """Answer 200 while this instance makes progress, 503 with its problems otherwise.

        Notices, like a topic that an operator has paused, do not make it unready.
        """
        problems = health.problems()
        status_text = "not ready" if problems else "ready"
        body = {"status": status_text, "problems": problems, "notices": health.notices()}
        return JSONResponse(body, status_code=503 if problems else 200)

    @router.get("/metrics", tags=["health"], response_class=Response, responses=_METRICS)
    async def expose_metrics() -> Response:
        """Metrics in Prometheus' text format."""
        metrics.ready.set(0 if health.problems() else 1)
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @router.get("/v1/instance", tags=["instance"])
    async def instance() -> InstanceStatus:
        """Partitions, lag, lanes and rate of this instance."""
        return status()

    return router


def create_app(title: str, version: str, routers: Sequence[APIRouter]) -> FastAPI:
    """Build the application from its routers; every error is an RFC 9457 problem document."""
    app = FastAPI(title=title, version=version, docs_url=None, redoc_url=None)
    add_problem_handlers(app)
    for router in routers:
        app.include_router(router)
    return app


class _Server(uvicorn.Server):
    """Leaves the signals to the service, which stops everything in order.

    It is told of its end, too, where uvicorn's looks for it ten times a second.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Make the date of the answers anew, until the end."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), ticks.seconds_until_tick(_TICK_SECONDS))

    def end(self) -> None:
        """Let the server finish."""
        self.should_exit = True
        self._ending.set()


class HttpServer:
    """Serves an application on the address of the settings."""

    def __init__(self, settings: ServiceSettings, app: FastAPI) -> None:
        self._settings = settings
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                http="h11",
                h11_max_incomplete_event_size=settings.http_max_header_bytes,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=1,
                limit_concurrency=500,
            )
        )
        self.url: str | None = None
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Serve until `stop`.

        Raises:
            OSError: the address is taken.
        """
        listener = _listen(self._settings.http_host, self._settings.http_port)
        host, port = listener.getsockname()[:2]
        self.url = f"http://{host}:{port}"
        self.listening.set()
        log.info("http_listening", url=self.url)
        try:
            await self._server.serve(sockets=[listener])
        finally:
            listener.close()
        if not self._server.should_exit:
            raise RuntimeError("the HTTP server ended by itself")

    def stop(self) -> None:
        """Finish the requests under way, then let `run` return."""
        self._server.end()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(
            f"cannot listen on {host}:{port}: {error.strerror}; set ROLLCALL_HTTP_PORT to a free port"
        ) from error
    return listener
