"""The model: what each stage costs, read from raw results. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from benchmarks.errors import BenchmarkError
from benchmarks.model.line import Line, Point, fit
from benchmarks.summary import summarise

CHUNK = 1000
_NEEDED = ("ceilings", "throughput")
SOURCES = (*_NEEDED, "scaling", "idle")

Results = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Costs:
    """Everything the predictions are made from.

    Attributes:
        sql: elapsed time of a chunk in the database, on one connection.
        sql_points, transaction_points: what the lines were fitted to, medians.
        transaction: elapsed time of one Kafka transaction of a lane.
        path_us: of one replica, for each event, as it was measured end to end.
        decode, encode: CPU microseconds of the interpreter for each event.
        replica, postgres, kafka: CPU microseconds for each event, end to end.
        wal_bytes: for each event.
        idle_share: of a core, used by a replica that has nothing to do.
    """

    cores: int
    sql: Line
    sql_points: Sequence[Point]
    transaction: Line
    transaction_points: Sequence[Point]
    path_us: float
    decode: float
    encode: float
    replica: float
    postgres: float
    kafka: float
    wal_bytes: float
    idle_share: float

    @classmethod
    def of(cls, found: Results) -> Self:
        """Fit the model.

        Raises:
            BenchmarkError: a measurement that it needs is missing.
        """
        if missing := [name for name in _NEEDED if name not in found]:
            raise BenchmarkError(
                f"the model needs results of {', '.join(missing)}: rollcall bench {missing[0]}"
            )
        ceilings, figures = found["ceilings"], found["throughput"]["figures"]
        alone = [run for run in ceilings["assignments"] if run["connections"] == 1]
        sql = medians((run["chunk"], run["seconds"] / run["chunks"]) for run in alone)
        transactions = medians(ceilings["transactions"])
        idle = found.get("idle", {}).get("figures", {}).get("cpu %", [0.0])
        return cls(
            cores=found["throughput"]["machine"]["cores"],
            sql=fit(sql),
            sql_points=sql,
            transaction=fit(transactions),
            transaction_points=transactions,
            path_us=1e6 / _median(figures["rollcall x1 events/s"]),
            decode=_median(ceilings["figures"]["decode us"]),
            encode=_median(ceilings["figures"]["encode us"]),
            replica=_median(figures["rollcall x1 replica cpu us"]),
            postgres=_median(figures["rollcall x1 postgres cpu us"]),
            kafka=_median(figures["rollcall x1 kafka cpu us"]),
            wal_bytes=_median(figures["rollcall x1 wal bytes"]),
            idle_share=_median(idle) / 100,
        )

    @property
    def machine_us(self) -> float:
        """CPU time of all three processes for each event."""
        return self.replica + self.postgres + self.kafka

    @property
    def overlap(self) -> float:
        """How much of the shorter of interpreter and database goes on while the longer one works.

        0: one waits for the other; 1: only the longer one is seen.
        """
        database = self.sql.us_per_event(CHUNK)
        both, shorter = self.replica + database, min(self.replica, database)
        return max(0.0, min(1.0, (both - self.path_us) / shorter))

    def rate(self, replicas: int, share_of_core: float | None = None) -> float:
        """Events a second of so many replicas on this machine, each with a share of a core or all.

        The machine's cores, the replicas' own way through a chunk, or their quota: the least.
        """
        bounds = [1e6 * self.cores / self.machine_us, 1e6 * replicas / self.path_us]
        if share_of_core is not None:
            bounds.append(1e6 * replicas * (share_of_core - self.idle_share) / self.replica)
        return min(bounds)


def medians(points: Any) -> list[Point]:
    """One point for each size: the median of its times."""
    groups: dict[float, list[float]] = defaultdict(list)
    for size, seconds in points:
        groups[size].append(seconds)
    return [(size, summarise(values).median) for size, values in sorted(groups.items())]


def _median(values: Sequence[float]) -> float:
    return summarise(values).median
