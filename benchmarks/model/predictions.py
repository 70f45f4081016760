"""Measured points beside what the model says of them; and what larger deployments need. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from benchmarks.model.costs import CHUNK, SEVERAL, Costs, Results
from benchmarks.summary import summarise

TOLERANCE = 0.15
_CONNECTIONS_OF_A_REPLICA = 4
_PARTITIONS_FOR_EACH_REPLICA = 3


@dataclass(frozen=True, slots=True)
class Prediction:
    """A point: events a second, or milliseconds."""

    what: str
    measured: float
    predicted: float
    unit: str

    @property
    def error(self) -> float:
        """As a share of what was measured."""
        return self.predicted / self.measured - 1

    @property
    def holds(self) -> bool:
        """Within the tolerance."""
        return abs(self.error) <= TOLERANCE


@dataclass(frozen=True, slots=True)
class Need:
    """What a rate needs; each number the least that the costs allow."""

    times: int
    rate: float
    replicas: int
    partitions: int
    connections: int
    postgres_cores: float
    kafka_cores: float
    wal_mb_per_second: float
    chunk_commits_per_second: float
    lanes: int


def predictions(costs: Costs, found: Results) -> list[Prediction]:
    """Stages by their line; deployments by the costs and the rate of one replica."""
    return [*_stages(costs), *_deployments(costs, found)]


def needs(costs: Costs, factors: tuple[int, ...] = (1, 10, 100, 1000)) -> list[Need]:
    """What multiples of today's peak on this machine take."""
    base = costs.rate(replicas=costs.cores)
    return [_need(costs, times, base * times) for times in factors]


def _stages(costs: Costs) -> Iterator[Prediction]:
    for what, line, points in (
        ("database, chunk of", costs.sql, costs.sql_points),
        ("Kafka transaction of", costs.transaction, costs.transaction_points),
    ):
        for events, measured in points:
            predicted = line.seconds(events)
            yield Prediction(f"{what} {events:,.0f}", 1e3 * measured, 1e3 * predicted, "ms")


def _deployments(costs: Costs, found: Results) -> Iterator[Prediction]:
    figures = found["throughput"]["figures"]
    for replicas in SEVERAL:
        if values := figures.get(f"rollcall x{replicas} events/s"):
            yield Prediction(
                f"end to end, {replicas} replicas",
                summarise(values).median,
                costs.rate(replicas),
                "events/s",
            )
    scaling = found.get("scaling", {})
    for replicas in (1, 3, 5):
        if values := scaling.get("figures", {}).get(f"rate x{replicas}"):
            yield Prediction(
                f"{replicas} replicas with {scaling['share_of_core']:.0%} of a core each",
                summarise(values).median,
                costs.rate(replicas, scaling["share_of_core"]),
                "events/s",
            )


def _need(costs: Costs, times: int, rate: float) -> Need:
    replicas = max(1, ceil(rate * costs.path_us / 1e6))
    # A lane publishes one transaction after the other: what arrives meanwhile is the next one.
    lane_rate = _lane_rate(costs)
    return Need(
        times=times,
        rate=rate,
        replicas=replicas,
        partitions=replicas * _PARTITIONS_FOR_EACH_REPLICA,
        connections=replicas * _CONNECTIONS_OF_A_REPLICA,
        postgres_cores=rate * costs.postgres / 1e6,
        kafka_cores=rate * costs.kafka / 1e6,
        wal_mb_per_second=rate * costs.wal_bytes / 1e6,
        chunk_commits_per_second=rate / CHUNK,
        lanes=max(1, ceil(rate / lane_rate)),
    )


def _lane_rate(costs: Costs) -> float:
    """Events a second of one lane at half of what its line allows, so that it keeps up."""
    return 0.5 / costs.transaction.each if costs.transaction.each else float("inf")
