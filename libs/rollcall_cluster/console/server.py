"""Serves the console on this machine until it is told to stop."""

import asyncio
import signal
from collections.abc import Callable
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from essay_lifecycle_service import migrations_folders
from essay_lifecycle_service.fills import BatchFills
from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall.administration.access import Access
from rollcall.administration.routes import administration_routes
from rollcall.console.hub import Hub
from rollcall.console.reader import ConsoleReader
from rollcall.console.routes import console_routes
from rollcall.console.source import Source
from rollcall.database.failures import DATABASE_ERRORS
from rollcall.database.pool import Database
from rollcall.database.schema_version import check_schema
from rollcall.http import HttpServer, create_app
from rollcall.topology import Topology
from rollcall_cluster.console.logs import log_routes
from rollcall_cluster.console.processes import LocalProcesses
from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.local.home import Home
from rollcall_events.topics import TOPICS

# Another name would be that of a page elsewhere that had its name point here.
_HOSTS = ["127.0.0.1", "localhost"]


class ConsoleServer:
    """The console of the deployment that the settings name; `home` if it is the local cluster."""

    def __init__(self, settings: EssayLifecycleSettings, home: Home | None) -> None:
        self._settings = settings
        self._home = home
        self._topology = Topology(TOPICS)
        self._database = Database(settings)
        reader = ConsoleReader(settings, self._topology, BatchFills().read)
        local = LocalProcesses(LocalCluster.existing(home)) if home else None
        self._hub = Hub(Source(settings, self._database, reader, local=local))
        self.app = self._app()
        self._http = HttpServer(settings, self.app)

    async def run(self, listening: Callable[[str], None]) -> None:
        """Serve until SIGINT or SIGTERM; `listening` is told the address once it can be opened.

        Raises:
            ClusterError: the database cannot be reached.
            SchemaNotMigratedError, SchemaTooNewError: its schema is another than this program's.
        """
        await self._open()
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._http.run())
                await self._http.listening.wait()
                listening(f"{self._http.url}/console")
                await stop.wait()
                await self._hub.close()
                self._http.stop()
        finally:
            await self._database.close()

    async def _open(self) -> None:
        try:
            await self._database.open()
            async with self._database.acquire() as connection:
                await check_schema(connection, self._settings.database_schema, migrations_folders())
        except DATABASE_ERRORS as error:
            raise ClusterError(
                f"PostgreSQL cannot be reached: {error!r}",
                "check ROLLCALL_POSTGRES_DSN, or start a cluster here with `rollcall up`",
            ) from error

    def _app(self) -> FastAPI:
        routers = [
            console_routes(self._hub),
            administration_routes(
                self._settings, self._topology, self._database, Access(self._settings)
            ),
        ]
        if self._home:
            routers.append(log_routes(self._home))
        app = create_app("rollcall-console", version("rollcall"), routers)
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS)
        return app
