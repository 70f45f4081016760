"""The one place where the service is put together."""

import structlog
from dishka import AsyncContainer, Provider, Scope, make_async_container, provide
from prometheus_client import CollectorRegistry

from essay_lifecycle_service import migrations_folders
from essay_lifecycle_service.api import router
from essay_lifecycle_service.completions import Completions
from essay_lifecycle_service.deadlines import Deadlines
from essay_lifecycle_service.domain.deadline import DeadlineDefaults
from essay_lifecycle_service.fills import BatchFills
from essay_lifecycle_service.handlers import EssayLifecycle
from essay_lifecycle_service.metrics import OutcomeMetrics, SweepMetrics
from essay_lifecycle_service.operations import BatchOperations
from essay_lifecycle_service.operator_api import operator_routes
from essay_lifecycle_service.reader import BatchReader
from essay_lifecycle_service.replays import Replays
from essay_lifecycle_service.settings import EssayLifecycleSettings
from essay_lifecycle_service.store.batches import BatchStore
from essay_lifecycle_service.store.orders import OrderStore
from essay_lifecycle_service.store.slots import SlotStore
from essay_lifecycle_service.store.traces import TraceStore
from essay_lifecycle_service.store.unplaced import UnplacedStore
from essay_lifecycle_service.sweep import Sweep
from rollcall import Database, Service
from rollcall.consumer.failed_jobs import report_failed
from rollcall.operations.runner import OrderRunner
from rollcall.telemetry.metrics import Metrics
from rollcall.topology import Topology
from rollcall_events import (
    BatchEssaysRegisteredV1,
    EssayContentProvisionedV1,
    EssayValidationFailedV1,
)
from rollcall_events.topics import TOPICS

log = structlog.get_logger()


class Wiring(Provider):
    """How each part is made; all live as long as the process."""

    scope = Scope.APP

    batches = provide(BatchStore)
    slots = provide(SlotStore)
    unplaced = provide(UnplacedStore)
    traces = provide(TraceStore)
    completions = provide(Completions)
    lifecycle = provide(EssayLifecycle)
    deadlines = provide(Deadlines)
    sweep = provide(Sweep)
    reader = provide(BatchReader)
    fills = provide(BatchFills)
    orders = provide(OrderStore)
    replays = provide(Replays)
    operations = provide(BatchOperations)

    @provide
    def settings(self) -> EssayLifecycleSettings:
        """Settings from the environment."""
        return EssayLifecycleSettings()

    @provide
    def deadline_defaults(self, settings: EssayLifecycleSettings) -> DeadlineDefaults:
        """The deadline of batches whose registration names none."""
        return DeadlineDefaults(settings.batch_deadline_seconds, settings.batch_deadline_policy)

    @provide
    def metrics(self) -> Metrics:
        """The metrics of this process."""
        return Metrics()

    @provide
    def outcome_metrics(self, metrics: Metrics) -> OutcomeMetrics:
        """What handlers add to them."""
        return OutcomeMetrics(metrics.registry)

    @provide
    def sweep_metrics(self, metrics: Metrics) -> SweepMetrics:
        """What the sweep adds to them."""
        return SweepMetrics(metrics.registry)

    @provide
    def service(
        self,
        settings: EssayLifecycleSettings,
        lifecycle: EssayLifecycle,
        sweep: Sweep,
        metrics: Metrics,
        sweep_metrics: SweepMetrics,
        fills: BatchFills,
    ) -> Service:
        """The service with its handlers, its sweep and its routes."""
        service = Service(settings, TOPICS, migrations_folders()[1:], metrics)
        service.on(BatchEssaysRegisteredV1)(lifecycle.register)
        provisions = (EssayContentProvisionedV1, EssayValidationFailedV1)
        # Registrations are not: a repeated one mends a batch that lacks slots, and a single one makes
        # as many rows as its batch has slots.
        service.on(*provisions, skips_known=True, keeps_plans=True)(lifecycle.provision)
        every = service.every(settings.sweep_seconds, "sweep", otherwise=sweep_metrics.clear)
        every(sweep.run)
        service.add_routes(router)
        service.show_fills(fills.read)
        service.add_administration(operator_routes(service.access.authorize))
        return service

    @provide
    def order_runner(
        self, settings: EssayLifecycleSettings, database: Database, metrics: Metrics
    ) -> OrderRunner:
        """Transactions of operators' orders, on the service's connections."""
        return OrderRunner(
            database.acquire,
            Topology(TOPICS),
            settings.consumer_group,
            settings.service_name,
            lambda event, fields: log.info(event, **fields),
            lambda job, error: report_failed(job, error, metrics),
        )

    @provide
    def database(self, service: Service) -> Database:
        """The service's database, for reads outside of chunks."""
        return service.database


def create_container() -> AsyncContainer:
    """Make the container; nothing is connected yet."""
    return make_async_container(Wiring())


def batch_operations(runner: OrderRunner) -> BatchOperations:
    """The orders alone, for a program that is no replica."""
    batches, slots, orders, traces = BatchStore(), SlotStore(), OrderStore(), TraceStore()
    outcomes = OutcomeMetrics(CollectorRegistry())
    completions = Completions(batches, slots, traces, outcomes)
    lifecycle = EssayLifecycle(
        batches, slots, UnplacedStore(), traces, completions, DeadlineDefaults(), outcomes
    )
    replays = Replays(orders, completions)
    return BatchOperations(runner, slots, completions, lifecycle, orders, replays)
