"""Every metric of the runtime, defined once with its meaning; label values come from closed sets."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_COUNTS = (1, 5, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._define_operations()
        self._define_input()
        self._define_output()
        self._define_ingest()
        self._define_database()
        self._define_work()
        self._define_life()

    def _define_input(self) -> None:
        self.records_total = Counter(
            "rollcall_records",
            "Input records whose chunk committed, by topic and outcome (handled, skipped, rejected).",
            ["topic", "outcome"],
            registry=self.registry,
        )
        self.chunk_records = Histogram(
            "rollcall_chunk_records",
            "Records in a committed chunk.",
            buckets=_COUNTS,
            registry=self.registry,
        )
        self.chunk_seconds = Histogram(
            "rollcall_chunk_seconds",
            "Duration of a chunk's transaction, from taking a connection to the end of its commit.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.chunk_failures_total = Counter(
            "rollcall_chunk_failures",
            "Chunk transactions rolled back, by failure"
            " (conflict, limit, definition, race, contention, infrastructure, data).",
            ["failure"],
            registry=self.registry,
        )
        self.follow_up_failures_total = Counter(
            "rollcall_follow_up_failures",
            "Transactions after the commit of a chunk or an order, or of a periodic job, that were given up.",
            registry=self.registry,
        )

    def _define_operations(self) -> None:
        self.operation_seconds = Histogram(
            "rollcall_operation_seconds",
            "Duration of an operation, by what it was (chunk: an attempt at a chunk's transaction; job: one"
            " after a commit, or a periodic one; publication: a Kafka transaction of the relay) and"
            " outcome (success, failure).",
            ["operation", "outcome"],
            buckets=_SECONDS,
            registry=self.registry,
        )

    def _define_output(self) -> None:
        self.events_total = Counter(
            "rollcall_events",
            "Events committed to the outbox.",
            registry=self.registry,
        )
        self.relay_segments_total = Counter(
            "rollcall_relay_segments",
            "Segments committed in Kafka.",
            registry=self.registry,
        )
        self.relay_oldest_segment_seconds = Gauge(
            "rollcall_relay_oldest_segment_seconds",
            "Age of the oldest segment that is not published, of each lane owned here; 0 = none.",
            ["lane"],
            registry=self.registry,
        )
        self.relay_transaction_seconds = Histogram(
            "rollcall_relay_transaction_seconds",
            "Duration of a Kafka transaction of the relay.",
            buckets=_SECONDS,
            registry=self.registry,
        )

    def _define_ingest(self) -> None:
        self.ingest_requests_total = Counter(
            "rollcall_ingest_requests",
            "Requests to POST /v1/events that were answered, by status.",
            ["status"],
            registry=self.registry,
        )
        self.ingest_events_total = Counter(
            "rollcall_ingest_events",
            "Events of such requests, by outcome (accepted, refused, unknown).",
            ["outcome"],
            registry=self.registry,
        )
        self.ingest_seconds = Histogram(
            "rollcall_ingest_seconds",
            "Time from such a request to its answer; Kafka has the events by then.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.ingest_in_flight_bytes = Gauge(
            "rollcall_ingest_in_flight_bytes",
            "Bytes of such requests that are not answered yet.",
            registry=self.registry,
        )

    def _define_database(self) -> None:
        self.database_acquire_seconds = Histogram(
            "rollcall_database_acquire_seconds",
            "Time until a connection of the pool was free.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.database_connections = Gauge(
            "rollcall_database_connections",
            "Connections of the pool, by state (idle, used).",
            ["state"],
            registry=self.registry,
        )

    def _define_work(self) -> None:
        self.lanes_owned = Gauge(
            "rollcall_lanes_owned", "Lanes that this instance publishes.", registry=self.registry
        )
        self.lanes_without_owner = Gauge(
            "rollcall_lanes_without_owner",
            "Lanes that no instance publishes, as PostgreSQL tells it: every instance tells the same.",
            registry=self.registry,
        )
        self.partitions_owned = Gauge(
            "rollcall_partitions_owned", "Partitions assigned here.", registry=self.registry
        )
        self.partitions_refused = Gauge(
            "rollcall_partitions_refused",
            "Partitions whose position the log cannot continue from; an operator must decide.",
            registry=self.registry,
        )
        self.topics_paused = Gauge(
            "rollcall_topics_paused",
            "Topics that no instance consumes until somebody resumes them.",
            registry=self.registry,
        )
        self.lag_records = Gauge(
            "rollcall_lag_records",
            "Records between the positions and the ends of the partitions owned here.",
            registry=self.registry,
        )
        self.partition_lag_records = Gauge(
            "rollcall_partition_lag_records",
            "Records between the position and the end of each partition owned here.",
            ["topic", "partition"],
            registry=self.registry,
        )
        self.partition_position_records = Gauge(
            "rollcall_partition_position_records",
            "Position of each partition owned here: the offset of the next record to handle.",
            ["topic", "partition"],
            registry=self.registry,
        )

    def _define_life(self) -> None:
        self.progress_age_seconds = Gauge(
            "rollcall_progress_age_seconds",
            "Time since a chunk last committed here or there was nothing to do.",
            registry=self.registry,
        )
        self.chunk_age_seconds = Gauge(
            "rollcall_chunk_age_seconds",
            "Time since the chunk in hand was first tried; 0 = none is in hand.",
            registry=self.registry,
        )
        self.loop_delay_seconds = Histogram(
            "rollcall_loop_delay_seconds",
            "Time until the event loop ran what was due at once, asked twice a second.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.loop_stalls_total = Counter(
            "rollcall_loop_stalls",
            "Times at which the event loop stood still for more than a second.",
            registry=self.registry,
        )
        self.ready = Gauge(
            "rollcall_ready", "1 when /healthz/ready answers 200.", registry=self.registry
        )

    @contextmanager
    def timed(self, operation: str) -> Iterator[None]:
        """Observe how long an operation takes, and whether it succeeds."""
        started, outcome = time.perf_counter(), "failure"
        try:
            yield
            outcome = "success"
        finally:
            seconds = time.perf_counter() - started
            self.operation_seconds.labels(operation, outcome).observe(seconds)


def metrics_table(metrics: object) -> str:
    """Render the metrics as a Markdown table: name, type, labels, meaning."""
    return "| metric | type | labels | meaning |\n|---|---|---|---|\n" + metrics_rows(metrics)


def metrics_rows(holder: object) -> str:
    """The rows of that table for every metric that is a public attribute of `holder`."""
    rows = []
    for attribute, metric in vars(holder).items():
        if isinstance(metric, Counter | Gauge | Histogram) and not attribute.startswith("_"):
            (family,) = metric.describe()
            name = family.name + ("_total" if family.type == "counter" else "")
            labels = ", ".join(metric._labelnames)
            rows.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |\n")
    return "".join(rows)
