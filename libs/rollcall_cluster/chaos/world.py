"""Names of one deployment that chaos makes for itself: a schema, topics and a group of their own."""

from collections.abc import Mapping
from dataclasses import dataclass

from rollcall_cluster.auditor import AuditTarget


@dataclass(frozen=True, slots=True)
class World:
    """Where a deployment is, as its replicas' variables say it."""

    environment: Mapping[str, str]

    @classmethod
    def named(cls, name: str, addresses: Mapping[str, str], session_seconds: int) -> "World":
        """A deployment of that name on the servers of `addresses`."""
        return cls(
            {
                **addresses,
                "ROLLCALL_TOPIC_PREFIX": f"{name}.",
                "ROLLCALL_CONSUMER_GROUP": name,
                "ROLLCALL_DATABASE_SCHEMA": name,
                "ROLLCALL_SESSION_TIMEOUT_SECONDS": str(session_seconds),
                "ROLLCALL_LANE_SESSION_TIMEOUT_SECONDS": str(session_seconds),
            }
        )

    @property
    def brokers(self) -> str:
        """Kafka's bootstrap servers."""
        return self.environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"]

    @property
    def dsn(self) -> str:
        """PostgreSQL's address."""
        return self.environment["ROLLCALL_POSTGRES_DSN"]

    @property
    def topic_prefix(self) -> str:
        """Put before the name of every topic."""
        return self.environment["ROLLCALL_TOPIC_PREFIX"]

    @property
    def group(self) -> str:
        """The consumer group."""
        return self.environment["ROLLCALL_CONSUMER_GROUP"]

    @property
    def schema(self) -> str:
        """The schema of the tables."""
        return self.environment["ROLLCALL_DATABASE_SCHEMA"]

    @property
    def audit_target(self) -> AuditTarget:
        """The deployment as the auditor is told about it."""
        return AuditTarget.model_validate(
            {
                variable.removeprefix("ROLLCALL_").lower(): value
                for variable, value in self.environment.items()
            }
        )
