"""What coordination tells Prometheus. Names of locks and items are no labels: they are without bound."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class CoordinationMetrics:
    """The metrics of one process that coordinates through Redis."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lock_acquisitions_total = Counter(
            "rollcall_lock_acquisitions",
            "Attempts to acquire a lock, by outcome (held, busy, failed).",
            ["outcome"],
            registry=registry,
        )
        self.lock_wait_seconds = Histogram(
            "rollcall_lock_wait_seconds",
            "Time until a lock was acquired, waiting included.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.locks_lost_total = Counter(
            "rollcall_locks_lost",
            "Locks lost while they were held, by reason (expired, taken, connection, fenced).",
            ["reason"],
            registry=registry,
        )
        self.filter_lookups_total = Counter(
            "rollcall_filter_lookups",
            "Look-ups of a chunk in the idempotency filter, by outcome (answered, failed, skipped:"
            " the circuit is open).",
            ["outcome"],
            registry=registry,
        )
        self.filter_hits_total = Counter(
            "rollcall_filter_hits",
            "Records that were not handled again because their marks were confirmed.",
            registry=registry,
        )
        self.filter_open = Gauge(
            "rollcall_filter_circuit_open",
            "1 while the filter is left out because Redis is slow or away.",
            registry=registry,
        )
        self.states_quarantined_total = Counter(
            "rollcall_states_quarantined",
            "Corrupted states that were set aside with their bytes.",
            registry=registry,
        )
        self.redis_seconds = Histogram(
            "rollcall_redis_seconds",
            "Duration of an operation in Redis, the wait for a connection included, by operation (a script"
            " or command) and outcome (answered, failed).",
            ["operation", "outcome"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._held = self.lock_acquisitions_total.labels("held")
        # Finding a child by its labels takes as long as observing.
        self._answered: dict[str, Histogram] = {}

    def lock_acquired(self, seconds: float) -> None:
        """Count an acquisition."""
        self._held.inc()
        self.lock_wait_seconds.observe(seconds)

    def redis_answered(self, operation: str, seconds: float) -> None:
        """Observe an operation that Redis has answered, if only with an error of what was asked."""
        if operation not in self._answered:
            self._answered[operation] = self.redis_seconds.labels(operation, "answered")
        self._answered[operation].observe(seconds)

    def redis_failed(self, operation: str, seconds: float) -> None:
        """Observe an operation without an answer."""
        self.redis_seconds.labels(operation, "failed").observe(seconds)
