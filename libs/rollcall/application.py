"""The HTTP application of a service: the runtime's routes, and the service's own beside them."""

from collections.abc import Callable
from importlib.metadata import version

from fastapi import APIRouter, FastAPI

from rollcall.administration.access import READ_REFUSALS, Access
from rollcall.administration.routes import administration_routes
from rollcall.console.hub import Hub
from rollcall.console.reader import ConsoleReader, FillReader
from rollcall.console.routes import console_routes
from rollcall.console.source import Source
from rollcall.database.pool import Database
from rollcall.http import InstanceStatus, create_app, runtime_routes
from rollcall.ingest.producer import IngestProducer
from rollcall.ingest.routes import INGEST_PATH, ingest_routes
from rollcall.request_limits import RequestLimits
from rollcall.settings import ServiceSettings
from rollcall.telemetry.health import Health
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology


class Application:
    """Gathers routes, builds the application of them, and owns what stands behind the runtime's."""

    def __init__(
        self, settings: ServiceSettings, topology: Topology, database: Database, metrics: Metrics
    ) -> None:
        self._settings = settings
        self._topology = topology
        self._database = database
        self._metrics = metrics
        self.access = Access(settings)
        self.fills: FillReader | None = None
        self._ingest = IngestProducer(settings)
        self._console: Hub | None = None
        self._routers: list[APIRouter] = []
        self._configure: list[Callable[[FastAPI], None]] = []

    def add_routes(self, router: APIRouter) -> None:
        """Serve these, too; readers may need a token for them."""
        readers = APIRouter(dependencies=self.access.for_readers, responses=READ_REFUSALS)
        readers.include_router(router)
        self._routers.append(readers)

    def add_administration(self, router: APIRouter) -> None:
        """Serve these, too, for administrators alone."""
        administrators = APIRouter(dependencies=self.access.for_administrators)
        administrators.include_router(router)
        self._routers.append(administrators)

    def configure(self, configure: Callable[[FastAPI], None]) -> None:
        """Have `configure` called with the application once it is built."""
        self._configure.append(configure)

    def build(self, health: Health, status: Callable[[], InstanceStatus]) -> FastAPI:
        """Make the application of what was gathered."""
        app = create_app(
            self._settings.service_name,
            version("rollcall"),
            [
                runtime_routes(health, self._metrics, status),
                administration_routes(self._settings, self._topology, self._database, self.access),
                *self._ingest_routes(),
                *self._console_routes(status),
                *self._routers,
            ],
        )
        app.add_middleware(
            RequestLimits,
            max_headers=self._settings.http_max_headers,
            max_body_bytes=self._settings.http_max_body_bytes,
            own_limits=frozenset({INGEST_PATH}),
        )
        for configure in self._configure:
            configure(app)
        return app

    async def end_streams(self) -> None:
        """End those of the console: the HTTP server waits for what is under way."""
        if self._console is not None:
            await self._console.close()

    async def close(self) -> None:
        """Let go of what stands behind the routes; the database is not the application's."""
        await self.end_streams()
        await self._ingest.close()

    def _ingest_routes(self) -> list[APIRouter]:
        """The way in over HTTP, if it is switched on."""
        if not self._settings.http_ingest:
            return []
        return [ingest_routes(self._settings, self._topology, self._ingest, self._metrics)]

    def _console_routes(self, status: Callable[[], InstanceStatus]) -> list[APIRouter]:
        """The console, if it is switched on."""
        if not self._settings.http_console:
            return []
        reader = ConsoleReader(self._settings, self._topology, self.fills)
        self._console = Hub(Source(self._settings, self._database, reader, own=status))
        return [console_routes(self._console)]
