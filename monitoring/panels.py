"""What the dashboards show: each panel a question, its query and its unit.

Queries hold no variables of Grafana's, so that a test can run every one of them as it stands. Where a healthy cluster
has nothing to count, `or vector(0)` draws the zero.
"""

from monitoring.panel import Dashboard, panel, quantiles
from monitoring.server_panels import SERVERS

_ZERO = " or vector(0)"

OVERVIEW = Dashboard(
    "rollcall-overview",
    "Rollcall: overview",
    (
        panel(
            "Records handled",
            "ops",
            "Input records whose chunk committed.",
            ("rollcall:records:rate1m", "{{job}}"),
        ),
        panel(
            "Records that wait",
            "short",
            "Between the positions and the ends of the logs; returns to zero.",
            ("rollcall:lag_records:sum", "{{job}}"),
        ),
        panel(
            "Replicas",
            "short",
            "Up: Prometheus reaches them. Ready: they make progress.",
            ('sum(up{job="essay-lifecycle-service"})', "up"),
            ("sum(rollcall_ready)", "ready"),
        ),
        panel(
            "Slots taken and excess",
            "ops",
            "What became of contents and failures.",
            ("sum by (by) (rate(rollcall_slots_taken_total[1m]))", "by {{by}}"),
            ("sum(rate(rollcall_excess_total[1m]))", "excess"),
        ),
        panel(
            "Batches completed in a minute",
            "short",
            "Completions that were committed.",
            ("sum(rate(rollcall_batches_completed_total[1m])) * 60", "completed"),
        ),
        panel(
            "Dead letters",
            "ops",
            "Records that no handler could take.",
            (
                'sum by (topic) (rate(rollcall_records_total{outcome="rejected"}[1m]))' + _ZERO,
                "{{topic}}",
            ),
        ),
        panel(
            "Pending content",
            "s",
            "Age of the oldest content that waits for its batch.",
            ("max(rollcall_pending_oldest_seconds)", "oldest"),
        ),
        panel(
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
        panel(
            "Records by replica",
            "ops",
            "Evenly spread while keys are.",
            ("rollcall:records_by_instance:rate1m", "{{instance}}"),
        ),
        panel(
            "Partitions by replica",
            "short",
            "Moves at each rebalance.",
            ("rollcall_partitions_owned", "{{instance}}"),
        ),
        panel(
            "Lanes by replica",
            "short",
            "Each lane has one owner.",
            ("rollcall_lanes_owned", "{{instance}}"),
        ),
        panel(
            "Lag of the ten slowest partitions",
            "short",
            "One that stands out: a hot key.",
            (
                "topk(10, max by (topic, partition) (rollcall_partition_lag_records))",
                "{{topic}}-{{partition}}",
            ),
        ),
        panel(
            "Records in a chunk",
            "short",
            "Grows with the backlog; larger chunks cost less for each record.",
            ("rollcall:chunk_records:mean5m", "{{job}}"),
        ),
        panel(
            "CPU by replica",
            "percentunit",
            "1 is a whole core: a replica uses no more.",
            ('rate(process_cpu_seconds_total{job!="prometheus"}[1m])', "{{instance}}"),
        ),
        panel(
            "Memory by replica",
            "bytes",
            "Independent of batch size.",
            ('process_resident_memory_bytes{job!="prometheus"}', "{{instance}}"),
        ),
        panel(
            "Event loop delay",
            "s",
            "How late the loop is; grows when CPU is short.",
            *quantiles("rollcall_loop_delay_seconds", 0.5, 0.99),
        ),
    ),
)

DATABASE = Dashboard(
    "rollcall-database",
    "Rollcall: database and Redis",
    (
        panel(
            "Chunk transactions",
            "s",
            "From taking a connection to the end of the commit.",
            *quantiles("rollcall_chunk_seconds", 0.5, 0.95, 0.99),
        ),
        panel(
            "Waiting for a connection",
            "s",
            "Of the replica's own pool.",
            *quantiles("rollcall_database_acquire_seconds", 0.5, 0.95, 0.99),
        ),
        panel(
            "Connections of the pools",
            "short",
            "All used for long: ROLLCALL_DATABASE_POOL_SIZE is too small.",
            ("sum by (state) (rollcall_database_connections)", "{{state}}"),
        ),
        panel(
            "Transactions rolled back",
            "ops",
            "By failure; races and contention are normal, infrastructure is not.",
            ("sum by (failure) (rate(rollcall_chunk_failures_total[1m]))" + _ZERO, "{{failure}}"),
        ),
        panel(
            "Follow-up transactions given up",
            "ops",
            "After a chunk, or of a periodic job; the sweep tries again.",
            ("sum(rate(rollcall_follow_up_failures_total[1m]))", "given up"),
        ),
        panel(
            "Relay transactions in Kafka",
            "s",
            "The other half of a chunk's way.",
            *quantiles("rollcall_relay_transaction_seconds", 0.5, 0.95, 0.99),
        ),
        panel(
            "Redis: look-ups in the filter",
            "ops",
            "Of services that use it; skipped: Redis is slow or away and left out.",
            ("sum by (outcome) (rate(rollcall_filter_lookups_total[1m]))" + _ZERO, "{{outcome}}"),
        ),
        panel(
            "Operations that fail",
            "ops",
            "Chunks, jobs and publications, by replica.",
            (
                "sum by (operation, instance) (rate(rollcall_operation_seconds_count"
                '{outcome="failure"}[1m]))' + _ZERO,
                "{{operation}} {{instance}}",
            ),
        ),
        panel(
            "Operations, 99th percentile",
            "s",
            "A chunk or job in PostgreSQL, a publication in Kafka; successes and failures.",
            (
                "histogram_quantile(0.99, sum by (operation, le)"
                " (rate(rollcall_operation_seconds_bucket[5m])))",
                "{{operation}}",
            ),
        ),
        panel(
            "Redis: time of operations, 99th percentile",
            "s",
            "Of services that use Redis.",
            (
                "histogram_quantile(0.99, sum by (operation, le)"
                " (rate(rollcall_redis_seconds_bucket[5m])))" + _ZERO,
                "{{operation}}",
            ),
        ),
        panel(
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
        panel(
            "Alerts",
            "short",
            "Pending and firing.",
            ("count by (alertname, alertstate) (ALERTS)" + _ZERO, "{{alertname}} {{alertstate}}"),
        ),
        panel(
            "Ready",
            "short",
            "1 while /healthz/ready answers 200.",
            ("rollcall_ready", "{{instance}}"),
        ),
        panel(
            "Progress age",
            "s",
            "Since a chunk last committed or there was nothing to do.",
            ("rollcall_progress_age_seconds", "{{instance}}"),
        ),
        panel(
            "Age of the chunk in hand",
            "s",
            "All its attempts together.",
            ("rollcall_chunk_age_seconds", "{{instance}}"),
        ),
        panel(
            "Oldest segment that is not published",
            "s",
            "By lane.",
            ("max by (lane) (rollcall_relay_oldest_segment_seconds)", "lane {{lane}}"),
        ),
        panel(
            "Loop stalls",
            "short",
            "Longer than a second, within a minute.",
            ("increase(rollcall_loop_stalls_total[1m])", "{{instance}}"),
        ),
        panel(
            "Uptime",
            "s",
            "Falls to zero when a replica is started anew.",
            ('time() - process_start_time_seconds{job="essay-lifecycle-service"}', "{{instance}}"),
        ),
        panel(
            "Stopped by decision or doubt",
            "short",
            "Partitions refused, topics paused, batches stuck.",
            ("sum(rollcall_partitions_refused)", "partitions refused"),
            ("max(rollcall_topics_paused)", "topics paused"),
            ("max(rollcall_batches_stuck)", "batches stuck"),
        ),
    ),
)

DASHBOARDS = (OVERVIEW, SCALING, DATABASE, FAULTS, SERVERS)
