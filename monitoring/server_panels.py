"""What the servers say of themselves, through their exporters; without these, the page is empty."""

from monitoring.panel import Dashboard, panel

SERVERS = Dashboard(
    "rollcall-servers",
    "Rollcall: what the servers say",
    (
        panel(
            "Servers that answer",
            "short",
            "Their exporters: without them, this page is empty.",
            ("pg_up", "PostgreSQL"),
            ("redis_up", "Redis"),
            ("kafka_brokers", "Kafka, brokers"),
        ),
        panel(
            "PostgreSQL: transactions",
            "ops",
            "Everybody's: chunks, relays, heartbeats, reads.",
            ("sum(rate(pg_stat_database_xact_commit[1m]))", "committed"),
            ("sum(rate(pg_stat_database_xact_rollback[1m]))", "rolled back"),
        ),
        panel(
            "PostgreSQL: connections",
            "short",
            "At the limit, replicas that start are refused.",
            ("sum by (state) (pg_stat_activity_count) > 0", "{{state}}"),
            ("max(pg_settings_max_connections)", "limit"),
        ),
        panel(
            "PostgreSQL: size of the databases",
            "bytes",
            "Falls when old batches are purged.",
            ('pg_database_size_bytes{datname!~"template.*|postgres"}', "{{datname}}"),
        ),
        panel(
            "PostgreSQL: dead rows of the five tables with most",
            "short",
            "Grows without end: a transaction that was left open keeps vacuum from them.",
            ("topk(5, max by (relname) (pg_stat_user_tables_n_dead_tup))", "{{relname}}"),
        ),
        panel(
            "Redis: memory",
            "bytes",
            "At the limit, writes are refused: nothing is evicted.",
            ("redis_memory_used_bytes", "used"),
            ("redis_memory_max_bytes", "limit"),
        ),
        panel(
            "Kafka: lag of groups",
            "short",
            "As Kafka knows it, from reported offsets; replicas report theirs after the commit.",
            ("sum by (consumergroup) (kafka_consumergroup_lag)", "{{consumergroup}}"),
        ),
        panel(
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
