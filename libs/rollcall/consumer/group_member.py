"""The Kafka client of one member of a consumer group."""

from aiokafka import AIOKafkaConsumer

from rollcall.access.kafka import kafka_options
from rollcall.settings import ServiceSettings

# The consumer polls in every state, so only one whose loop stands still leaves; the watchdog tells that earlier.
MAX_POLL_INTERVAL_SECONDS = 600
# A join waits for the others for a session timeout at most. What has no answer so much later has none: the
# connection is half open, and the member has been given up.
_ANSWER_SECONDS = 5


def group_member(settings: ServiceSettings) -> AIOKafkaConsumer:
    """Make the client; it is not started. It never seeks or commits by itself."""
    session_ms = int(settings.session_timeout_seconds * 1000)
    return AIOKafkaConsumer(
        **kafka_options(settings),
        client_id=settings.instance_id,
        group_id=settings.consumer_group,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=int(settings.session_timeout_seconds * 1000 / 5),
        rebalance_timeout_ms=session_ms,
        request_timeout_ms=session_ms + _ANSWER_SECONDS * 1000,
        max_poll_interval_ms=MAX_POLL_INTERVAL_SECONDS * 1000,
        fetch_max_bytes=settings.fetch_max_bytes,
        max_partition_fetch_bytes=max(settings.fetch_max_bytes // 16, 65_536),
        metadata_max_age_ms=10_000,
    )
