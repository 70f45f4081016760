"""A service: settings, topics and handlers in; a running member of the consumer group out."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import structlog
from fastapi import APIRouter, FastAPI

from rollcall.application import Application
from rollcall.cancellation import end
from rollcall.console.reader import FillReader
from rollcall.consumer.definitions import require_coroutine_function, require_parameters
from rollcall.consumer.route import Handler, Route
from rollcall.consumer.transaction import Job
from rollcall.database.pool import Database
from rollcall.database.schema_version import RUNTIME_MIGRATIONS
from rollcall.errors import ConfigurationError
from rollcall.exit_codes import ExitCode
from rollcall.garbage_collection import collect_rarely
from rollcall.http import HttpServer, InstanceStatus
from rollcall.instance import Instance
from rollcall.outbox.lane_guard import LaneGuard
from rollcall.periodic import PeriodicJob
from rollcall.settings import ServiceSettings
from rollcall.startup import open_database, wait_for_topics, wait_until_reconciled
from rollcall.supervision import Supervisor
from rollcall.telemetry.health import Health
from rollcall.telemetry.logs import configure_logs
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology
from rollcall.tracing.opening import require_tracing
from rollcall.watchdog import Watchdog
from rollcall_events import EventData
from rollcall_events.topics import Topic

log = structlog.get_logger()

H = TypeVar("H", bound=Handler)
J = TypeVar("J", bound=Job)

# Beyond the time that an orderly stop may take, for what cannot be waited for any longer.
_END_GRACE_SECONDS = 4.0


class Service:
    """Define a service with `on` and `every`, then `serve` it.

    Args:
        settings: where the servers are, and the bounds of everything.
        topics: every topic the service reads and writes, see `rollcall.topology.Topology`.
        migrations: folders of the service's own SQL migrations.
        metrics: the runtime's, to whose registry the service has added its own.

    Raises:
        ConfigurationError: a setting asks for what is not installed.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        topics: Sequence[Topic],
        migrations: Sequence[Path] = (),
        metrics: Metrics | None = None,
    ) -> None:
        require_tracing(settings)
        self.settings = settings
        self.topology = Topology(topics)
        self.migrations = (RUNTIME_MIGRATIONS, *migrations)
        self.metrics = metrics or Metrics()
        self.database = Database(settings, self.metrics)
        self.health = Health()
        self.supervisor = Supervisor()
        self.watchdog = Watchdog(self.metrics, settings.loop_stall_exit_seconds)
        self.supervisor.on_death(self._limit_end)
        self.health.add(self.watchdog.problems)
        self._routes: list[Route] = []
        self._jobs: list[PeriodicJob] = []
        self._application = Application(settings, self.topology, self.database, self.metrics)
        self.access = self._application.access
        self._started_at = datetime.now(UTC)
        self._instance: Instance | None = None

    def on(
        self, *models: type[EventData], skips_known: bool = False, keeps_plans: bool = False
    ) -> Callable[[H], H]:
        """Handle the events of `models`, all of a chunk at once and in order.

        Handlers run in the order in which they were registered. With `skips_known`, records that were
        handled before may be left out (ROLLCALL_FILTER_ENABLED): to handle one twice changes nothing.
        With `keeps_plans`, small chunks run on query plans that are kept for a second: a few records never
        make many rows, and the tables have the indexes that statements need.

        Raises:
            ConfigurationError: no input topic carries a model, it has a handler already, or what is
                registered is no coroutine function of two parameters.
        """
        for model in models:
            if self.topology.topic_of(model) not in self.topology.inputs:
                raise ConfigurationError(f"{model.__name__} is not carried by an input topic")
            if any(model in route.models for route in self._routes):
                raise ConfigurationError(f"{model.__name__} has a handler already")

        def register(handler: H) -> H:
            require_coroutine_function(handler, "handler")
            require_parameters(handler, "handler", "received", "tx")
            self._routes.append(Route(frozenset(models), handler, skips_known, keeps_plans))
            return handler

        return register

    def every(
        self, seconds: float, name: str, otherwise: Callable[[], None] = lambda: None
    ) -> Callable[[J], J]:
        """Run a job in a transaction of its own, in one instance at a time, with this pause.

        `otherwise` is called where another instance has had the turn.

        Raises:
            ConfigurationError: what is registered is no coroutine function of one parameter.
        """

        def register(job: J) -> J:
            require_coroutine_function(job, "job")
            require_parameters(job, "job", "tx")
            self._jobs.append(PeriodicJob(name, seconds, job, otherwise))
            return job

        return register

    def add_routes(self, router: APIRouter) -> None:
        """Serve routes of the service's own beside the runtime's; readers may need a token for them."""
        self._application.add_routes(router)

    def add_administration(self, router: APIRouter) -> None:
        """Serve further routes for administrators alone, beside the runtime's."""
        self._application.add_administration(router)

    def show_fills(self, read: FillReader) -> None:
        """Show in the console what `read` tells of the service's work, such as batches and slots."""
        self._application.fills = read

    def configure_app(self, configure: Callable[[FastAPI], None]) -> None:
        """Have `configure` called with the HTTP application once it is built."""
        self._application.configure(configure)

    def create_app(self) -> FastAPI:
        """The HTTP application, as it is served and as its OpenAPI document is made from."""
        return self._application.build(self.health, self.status)

    async def serve(self) -> int:
        """Run until SIGTERM or SIGINT; returns the exit code. A second signal exits at once.

        Whenever the process ends, however it ends, nothing is lost: what had not committed is
        handled by the next owner of the partition.

        Raises:
            ConfigurationError: there is no handler.
        """
        if not self._routes:
            raise ConfigurationError("no handler is registered: call service.on(...)")
        configure_logs(self.settings)
        collect_rarely()
        stop = asyncio.Event()
        self._handle_signals(stop)
        self.watchdog.start(asyncio.get_running_loop())
        try:
            await self._serve(stop)
        except ExceptionGroup as errors:
            self.supervisor.ended_with(errors)
            return self.supervisor.exit_code
        finally:
            await self._application.close()
            await self.database.close()
            self.watchdog.close()
        log.info("service_stopped")
        return ExitCode.STOPPED

    def status(self) -> InstanceStatus:
        """What this instance says of itself at `/v1/instance`."""
        problems = self.health.problems()
        work = self._instance.work() if self._instance else None
        return InstanceStatus(
            instance_id=self.settings.instance_id,
            service=self.settings.service_name,
            version=version("rollcall"),
            pid=os.getpid(),
            started_at=self._started_at.isoformat(),
            ready=not problems,
            problems=problems,
            notices=self.health.notices(),
            partitions=work.partitions if work else [],
            lag=sum(partition.lag for partition in work.partitions) if work else 0,
            lanes=work.lanes if work else [],
            records_total=work.records_total if work else 0,
            records_per_second=work.records_per_second if work else 0.0,
        )

    async def _serve(self, stop: asyncio.Event) -> None:
        http = HttpServer(self.settings, self.create_app())
        async with asyncio.TaskGroup() as tasks:
            self.supervisor.start(tasks, http.run, "http")
            work = self.supervisor.start(tasks, partial(self._work, http, stop), "work")
            await asyncio.wait([work])
            await self._application.end_streams()
            http.stop()

    async def _work(self, http: HttpServer, stop: asyncio.Event) -> None:
        """Wait for the servers, work until told to stop, stop in order."""
        await http.listening.wait()
        starting = asyncio.ensure_future(self._start(http))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            await end(starting)
            return
        instance = starting.result()
        await instance.run_until(stop)

    async def _start(self, http: HttpServer) -> Instance:
        lanes = await open_database(self.settings, self.database, self.migrations)
        await wait_for_topics(self.settings, self.topology)
        guard = LaneGuard(self.settings, self.topology, self.database)
        await wait_until_reconciled(guard)
        self._instance = Instance(
            self.settings,
            self.topology,
            self.database,
            self._routes,
            self._jobs,
            self.metrics,
            self.health,
            lanes,
            http_url=lambda: http.url,
            supervisor=self.supervisor,
            guard=guard,
        )
        await self._instance.start()
        return self._instance

    def _limit_end(self) -> None:
        """Whatever holds it up, the process ends soon: what has not committed counts for nothing."""
        self.watchdog.end_within(
            self.settings.stop_timeout_seconds + _END_GRACE_SECONDS,
            ExitCode.STOP_OVERDUE,
            "the service did not end in time; the stack says what held it up",
        )

    def _handle_signals(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()

        def on_signal(number: int) -> None:
            if stop.is_set():
                os._exit(128 + number)  # nothing uncommitted counts, so nothing is lost
            log.info("service_stopping", signal=signal.Signals(number).name)
            self.supervisor.end()
            self._limit_end()
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, on_signal, number)
