"""What was seen of a deployment. Data alone: the checks decide what it means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall.consumer.positions import LogRange
from rollcall.consumer.records import Partition


@dataclass(slots=True, frozen=True)
class Unseen:
    """A side that could not be looked at."""

    reason: str


@dataclass(slots=True, frozen=True)
class TopicFacts:
    """A topic: its partitions, and the worst of them."""

    partitions: int
    replicas: int
    in_sync: int
    leaderless: int = 0


@dataclass(slots=True, frozen=True)
class KafkaFacts:
    """The cluster. Configurations are empty where this user may not read them."""

    brokers: int
    topics: Mapping[str, TopicFacts]
    topic_configs: Mapping[str, Mapping[str, str]]
    broker_configs: Mapping[int, Mapping[str, str]]
    group_members: int | None = None
    log_ranges: Mapping[Partition, LogRange] = field(default_factory=dict)
    lane_positions: Mapping[int, int] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class ForeignSession:
    """A session that keeps the server from cleaning up."""

    name: str
    end: str
    """The statement that ends it."""
    seconds: float


@dataclass(slots=True, frozen=True)
class InstanceRow:
    """A replica as it reports itself to the database."""

    instance_id: str
    http_url: str | None


@dataclass(slots=True, frozen=True)
class PostgresFacts:
    """The server, and the schema of the deployment."""

    version: int
    in_recovery: bool
    clock_ahead_seconds: float
    """Of this machine's clock; exact to half of `round_trip_seconds`."""
    round_trip_seconds: float
    settings: Mapping[str, str]
    session: Mapping[str, tuple[str, str]]
    """Session settings of a replica: what it asks for, and what it got."""
    shares_sessions: bool
    """Whether two clients were served by one session: a proxy pools transactions."""
    database: str
    user: str
    user_limit: int
    database_limit: int
    sessions: Mapping[str, int]
    """Connections by application."""
    old_sessions: Sequence[ForeignSession] = ()
    applied: frozenset[str] = frozenset()
    indexes: Mapping[str, bool] = field(default_factory=dict)
    """Whether each index is valid, by name."""
    triggers: frozenset[str] = frozenset()
    unvacuumed: Sequence[str] = ()
    instances: Sequence[InstanceRow] = ()
    """Those that live."""
    positions: Mapping[Partition, int] = field(default_factory=dict)
    lanes: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """The newest number given and the newest known as published, by lane."""
    paused: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class RedisFacts:
    """A Redis server; configuration is empty where this user may not read it."""

    version: str
    role: str
    config: Mapping[str, str]


@dataclass(slots=True, frozen=True)
class ReplicaFacts:
    """One replica, as it answers over HTTP."""

    url: str
    error: str | None = None
    instance_id: str = ""
    version: str = ""
    problems: Sequence[str] = ()
    clock_ahead_seconds: float | None = None
    """Of this machine's clock; exact to a second."""


@dataclass(slots=True, frozen=True)
class Facts:
    """Everything."""

    settings: EssayLifecycleSettings
    kafka: KafkaFacts | Unseen
    postgres: PostgresFacts | Unseen
    redis: RedisFacts | Unseen | None
    """None: the deployment uses none."""
    replicas: Sequence[ReplicaFacts] = ()
    planned_replicas: int | None = None
    """How many shall run, if that was said."""
    libraries: Mapping[str, str] = field(default_factory=dict)
    """Installed versions that do not fulfil what this release asks for: what it asks, by name."""

    @property
    def replica_count(self) -> int:
        """How many replicas run or shall run."""
        alive = len(self.postgres.instances) if isinstance(self.postgres, PostgresFacts) else 0
        return max(self.planned_replicas or 0, alive, len(self.replicas), 1)
