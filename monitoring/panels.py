"""What the dashboards show: each panel a question, its query and its unit.

Queries hold no variables of Grafana's, so that a test can run every one of them as it stands. Where a healthy cluster
has nothing to count, `or vector(0)` draws the zero.
"""

from dataclasses import dataclass

_ZERO = " or vector(0)"


@dataclass(frozen=True, slots=True)
class Query:
    """One query and how its lines are called; `{{label}}` stands for the label's value."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph. `unit` is Grafana's: short, s, bytes, ops, percentunit."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    description: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of panels, two in a row."""

    uid: str
    title: str
    panels: tuple[Panel, ...]


def _panel(title: str, unit: str, description: str, *queries: tuple[str, str]) -> Panel:
    return Panel(title, unit, tuple(Query(*query) for query in queries), description)


def _quantiles(metric: str, *shares: float) -> tuple[tuple[str, str], ...]:
    return tuple(
        (
            f"histogram_quantile({share}, sum by (job, le) (rate({metric}_bucket[1m])))",
            f"p{share * 100:g}",
        )
        for share in shares
    )


OVERVIEW = Dashboard(
    "rollcall-overview",
    "Rollcall: overview",
    (
        _panel(
            "Records handled",
            "ops",
            "Input records whose chunk committed.",
            ("rollcall:records:rate1m", "{{job}}"),
        ),
        _panel(
            "Records that wait",
            "short",
            "Between the positions and the ends of the logs; returns to zero.",
            ("rollcall:lag_records:sum", "{{job}}"),
        ),
        _panel(
            "Replicas",
            "short",
            "Up: Prometheus reaches them. Ready: they make progress.",
            ('sum(up{job="essay-lifecycle-service"})', "up"),
            ("sum(rollcall_ready)", "ready"),
        ),
        _panel(
            "Slots taken and excess",
            "ops",
            "What became of contents and failures.",
            ("sum by (by) (rate(rollcall_slots_taken_total[1m]))", "by {{by}}"),
            ("sum(rate(rollcall_excess_total[1m]))", "excess"),
        ),
        _panel(
            "Batches completed in a minute",
            "short",
            "Completions that were committed.",
            ("sum(rate(rollcall_batches_completed_total[1m])) * 60", "completed"),
        ),
        _panel(
            "Dead letters",
            "ops",
            "Records that no handler could take.",
            (
                'sum by (topic) (rate(rollcall_records_total{outcome="rejected"}[1m]))' + _ZERO,
                "{{topic}}",
            ),
        ),
        _panel(
            "Pending content",
            "s",
            "Age of the oldest content that waits for its batch.",
            ("max(rollcall_pending_oldest_seconds)", "oldest"),
        ),
        _panel(
            "Events over HTTP",
            "ops",
            "Answers of POST /v1/events by status.",
            ("sum by (status) (rate(rollcall_ingest_requests_total[1m]))" + _ZERO, "{{status}}"),
        ),
    ),
)

SCALING = Dashboard(
    "rollcall-scaling",
    "Rollcall: scaling",
    (
        _panel(
            "Records by replica",
            "ops",
            "Evenly spread while keys are.",
            ("rollcall:records_by_instance:rate1m", "{{instance}}"),
        ),
        _panel(
            "Partitions by replica",
            "short",
            "Moves at each rebalance.",
            ("rollcall_partitions_owned", "{{instance}}"),
        ),
        _panel(
            "Lanes by replica",
            "short",
            "Each lane has one owner.",
            ("rollcall_lanes_owned", "{{instance}}"),
        ),
        _panel(
            "Lag of the ten slowest partitions",
            "short",
            "One that stands out: a hot key.",
            (
                "topk(10, max by (topic, partition) (rollcall_partition_lag_records))",
                "{{topic}}-{{partition}}",
            ),
        ),
        _panel(
            "Records in a chunk",
            "short",
            "Grows with the backlog; larger chunks cost less for each record.",
            ("rollcall:chunk_records:mean5m", "{{job}}"),
        ),
        _panel(
            "CPU by replica",
            "percentunit",
            "1 is a whole core: a replica uses no more.",
            ('rate(process_cpu_seconds_total{job!="prometheus"}[1m])', "{{instance}}"),
        ),
        _panel(
            "Memory by replica",
            "bytes",
            "Independent of batch size.",
            ('process_resident_memory_bytes{job!="prometheus"}', "{{instance}}"),
        ),
        _panel(
            "Event loop delay",
            "s",
            "How late the loop is; grows when CPU is short.",
            *_quantiles("rollcall_loop_delay_seconds", 0.5, 0.99),
        ),
    ),
)

DATABASE = Dashboard(
    "rollcall-database",
    "Rollcall: database and Redis",
    (
        _panel(
            "Chunk transactions",
            "s",
            "From taking a connection to the end of the commit.",
            *_quantiles("rollcall_chunk_seconds", 0.5, 0.95, 0.99),
        ),
        _panel(
            "Waiting for a connection",
            "s",
            "Of the replica's own pool.",
            *_quantiles("rollcall_database_acquire_seconds", 0.5, 0.95, 0.99),
        ),
        _panel(
            "Connections of the pools",
            "short",
            "All used for long: ROLLCALL_DATABASE_POOL_SIZE is too small.",
            ("sum by (state) (rollcall_database_connections)", "{{state}}"),
        ),
        _panel(
            "Transactions rolled back",
            "ops",
            "By failure; races and contention are normal, infrastructure is not.",
            ("sum by (failure) (rate(rollcall_chunk_failures_total[1m]))" + _ZERO, "{{failure}}"),
        ),
        _panel(
            "Follow-up transactions given up",
            "ops",
            "After a chunk, or of a periodic job; the sweep tries again.",
            ("sum(rate(rollcall_follow_up_failures_total[1m]))", "given up"),
        ),
        _panel(
            "Relay transactions in Kafka",
            "s",
            "The other half of a chunk's way.",
            *_quantiles("rollcall_relay_transaction_seconds", 0.5, 0.95, 0.99),
        ),
        _panel(
            "Redis: look-ups in the filter",
            "ops",
            "Of services that use it; skipped: Redis is slow or away and left out.",
            ("sum by (outcome) (rate(rollcall_filter_lookups_total[1m]))" + _ZERO, "{{outcome}}"),
        ),
        _panel(
            "Operations that fail",
            "ops",
            "Chunks, jobs and publications, by replica.",
            (
                "sum by (operation, instance) (rate(rollcall_operation_seconds_count"
                '{outcome="failure"}[1m]))' + _ZERO,
                "{{operation}} {{instance}}",
            ),
        ),
        _panel(
            "Operations, 99th percentile",
            "s",
            "A chunk or job in PostgreSQL, a publication in Kafka; successes and failures.",
            (
                "histogram_quantile(0.99, sum by (operation, le)"
                " (rate(rollcall_operation_seconds_bucket[5m])))",
                "{{operation}}",
            ),
        ),
        _panel(
            "Redis: time of operations, 99th percentile",
            "s",
            "Of services that use Redis.",
            (
                "histogram_quantile(0.99, sum by (operation, le)"
                " (rate(rollcall_redis_seconds_bucket[5m])))" + _ZERO,
                "{{operation}}",
            ),
        ),
        _panel(
            "Redis: locks",
            "ops",
            "Attempts to acquire a lock, of services that use them.",
            (
                "sum by (outcome) (rate(rollcall_lock_acquisitions_total[1m]))" + _ZERO,
                "{{outcome}}",
            ),
        ),
    ),
)

FAULTS = Dashboard(
    "rollcall-faults",
    "Rollcall: faults",
    (
        _panel(
            "Alerts",
            "short",
            "Pending and firing.",
            ("count by (alertname, alertstate) (ALERTS)" + _ZERO, "{{alertname}} {{alertstate}}"),
        ),
        _panel(
            "Ready",
            "short",
            "1 while /healthz/ready answers 200.",
            ("rollcall_ready", "{{instance}}"),
        ),
        _panel(
            "Progress age",
            "s",
            "Since a chunk last committed or there was nothing to do.",
            ("rollcall_progress_age_seconds", "{{instance}}"),
        ),
        _panel(
            "Age of the chunk in hand",
            "s",
            "All its attempts together.",
            ("rollcall_chunk_age_seconds", "{{instance}}"),
        ),
        _panel(
            "Oldest segment that is not published",
            "s",
            "By lane.",
            ("max by (lane) (rollcall_relay_oldest_segment_seconds)", "lane {{lane}}"),
        ),
        _panel(
            "Loop stalls",
            "short",
            "Longer than a second, within a minute.",
            ("increase(rollcall_loop_stalls_total[1m])", "{{instance}}"),
        ),
        _panel(
            "Uptime",
            "s",
            "Falls to zero when a replica is started anew.",
            ('time() - process_start_time_seconds{job="essay-lifecycle-service"}', "{{instance}}"),
        ),
        _panel(
            "Stopped by decision or doubt",
            "short",
            "Partitions refused, topics paused, batches stuck.",
            ("sum(rollcall_partitions_refused)", "partitions refused"),
            ("max(rollcall_topics_paused)", "topics paused"),
            ("max(rollcall_batches_stuck)", "batches stuck"),
        ),
    ),
)

SERVERS = Dashboard(
    "rollcall-servers",
    "Rollcall: what the servers say",
    (
        _panel(
            "Servers that answer",
            "short",
            "Their exporters: without them, this page is empty.",
            ("pg_up", "PostgreSQL"),
            ("redis_up", "Redis"),
            ("kafka_brokers", "Kafka, brokers"),
        ),
        _panel(
            "PostgreSQL: transactions",
            "ops",
            "Everybody's: chunks, relays, heartbeats, reads.",
            ("sum(rate(pg_stat_database_xact_commit[1m]))", "committed"),
            ("sum(rate(pg_stat_database_xact_rollback[1m]))", "rolled back"),
        ),
        _panel(
            "PostgreSQL: connections",
            "short",
            "At the limit, replicas that start are refused.",
            ("sum by (state) (pg_stat_activity_count) > 0", "{{state}}"),
            ("max(pg_settings_max_connections)", "limit"),
        ),
        _panel(
            "PostgreSQL: size of the databases",
            "bytes",
            "Falls when old batches are purged.",
            ('pg_database_size_bytes{datname!~"template.*|postgres"}', "{{datname}}"),
        ),
        _panel(
            "PostgreSQL: dead rows of the five tables with most",
            "short",
            "Grows without end: a transaction that was left open keeps vacuum from them.",
            ("topk(5, max by (relname) (pg_stat_user_tables_n_dead_tup))", "{{relname}}"),
        ),
        _panel(
            "Redis: memory",
            "bytes",
            "At the limit, writes are refused: nothing is evicted.",
            ("redis_memory_used_bytes", "used"),
            ("redis_memory_max_bytes", "limit"),
        ),
        _panel(
            "Kafka: lag of groups",
            "short",
            "As Kafka knows it, from reported offsets; replicas report theirs after the commit.",
            ("sum by (consumergroup) (kafka_consumergroup_lag)", "{{consumergroup}}"),
        ),
        _panel(
            "Kafka: records written, six busiest topics",
            "ops",
            "Ends of logs; a transaction's marker counts as a record.",
            (
                "topk(6, sum by (topic) (rate(kafka_topic_partition_current_offset[1m])))",
                "{{topic}}",
            ),
        ),
    ),
)

DASHBOARDS = (OVERVIEW, SCALING, DATABASE, FAULTS, SERVERS)
