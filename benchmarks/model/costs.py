"""The model: what each stage costs, read from raw results. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from benchmarks.errors import BenchmarkError
from benchmarks.model.line import Line, Point, fit
from benchmarks.summary import summarise
from rollcall.outbox.publisher import DISTANCE_SECONDS
from rollcall.settings import ServiceSettings

CHUNK = 1000
_NEEDED = ("ceilings", "throughput")
SOURCES = (*_NEEDED, "scaling", "idle")
SEVERAL = (2, 3, 5)
"""Replicas of the deployments that fill the machine."""

_LANES: int = ServiceSettings.model_fields["lanes"].default

Results = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Costs:
    """Everything the predictions are made from.

    Attributes:
        sql: elapsed time of a chunk in the database, on one connection.
        sql_points, transaction_points: what the lines were fitted to, medians.
        transaction: elapsed time of one Kafka transaction of a lane.
        producing: CPU time of the process that produces it.
        path_us: of one replica, for each event, as it was measured end to end.
        decode, encode: CPU microseconds of the interpreter for each event.
        replica, postgres, kafka: CPU microseconds for each event, end to end.
        wal_bytes: for each event.
        idle_share: of a core, used by a replica that has nothing to do.
        full_share: of what the cores would do if an event cost as much as with one replica: what they do when
            they are full. Fitted to the deployments of several replicas, one number for all.
    """

    cores: int
    sql: Line
    sql_points: Sequence[Point]
    transaction: Line
    transaction_points: Sequence[Point]
    producing: Line
    path_us: float
    decode: float
    encode: float
    replica: float
    postgres: float
    kafka: float
    wal_bytes: float
    idle_share: float
    full_share: float

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
        try:
            return cls._fitted(found)
        except KeyError as error:
            raise BenchmarkError(
                f"the results have no {error}, so an older release measured them: measure"
                f" {' and '.join(_NEEDED)} again, each with rollcall bench"
            ) from error

    @classmethod
    def _fitted(cls, found: Results) -> Self:
        ceilings, figures = found["ceilings"], found["throughput"]["figures"]
        alone = [run for run in ceilings["assignments"] if run["connections"] == 1]
        sql = medians((run["chunk"], run["seconds"] / run["chunks"]) for run in alone)
        produced = ceilings["transactions"]
        transactions = medians((one["records"], one["seconds"]) for one in produced)
        producing = medians((one["records"], one["cpu_seconds"]) for one in produced)
        idle = found.get("idle", {}).get("figures", {}).get("cpu %", [0.0])
        cores = found["throughput"]["machine"]["cores"]
        cpu_us = {
            party: _median(figures[f"rollcall x1 {party} cpu us"])
            for party in ("replica", "postgres", "kafka")
        }
        several = [
            _median(figures[name])
            for n in SEVERAL
            if (name := f"rollcall x{n} events/s") in figures
        ]
        return cls(
            cores=cores,
            sql=fit(sql),
            sql_points=sql,
            transaction=fit(transactions),
            transaction_points=transactions,
            producing=fit(producing),
            path_us=1e6 / _median(figures["rollcall x1 events/s"]),
            decode=_median(ceilings["figures"]["decode us"]),
            encode=_median(ceilings["figures"]["encode us"]),
            **cpu_us,
            wal_bytes=_median(figures["rollcall x1 wal bytes"]),
            idle_share=_median(idle) / 100,
            full_share=nearest_share(several, 1e6 * cores / sum(cpu_us.values())),
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
        full_machine = 1e6 * self.cores * self.full_share / self.machine_us
        bounds = [full_machine, 1e6 * replicas / self.path_us]
        if share_of_core is not None:
            bounds.append(self._within(replicas * (share_of_core - self.idle_share)))
        return min(bounds)

    def _within(self, share_of_core: float) -> float:
        """Events a second of replicas that work for so much of a core together."""
        with_each_chunk = self.event_us + _LANES * 1e6 * self.producing.fixed / CHUNK
        rate = 1e6 * max(0.0, share_of_core) / with_each_chunk
        if rate / CHUNK <= 1 / DISTANCE_SECONDS:
            return rate
        return 1e6 * (share_of_core - self._lanes_share(rate)) / self.event_us

    @property
    def event_us(self) -> float:
        """CPU time of the replica for each event, without its lanes' transactions."""
        return self.replica - self._lanes_share(1e6 / self.path_us) * self.path_us

    def _lanes_share(self, rate: float) -> float:
        """Of a core, used for the lanes' transactions, by however many replicas.

        A chunk has something for each lane, and a lane with a backlog makes a few transactions a second at most.
        """
        a_second = _LANES * min(1 / DISTANCE_SECONDS, rate / CHUNK)
        return a_second * self.producing.fixed


def medians(points: Any) -> list[Point]:
    """One point for each size: the median of its times."""
    groups: dict[float, list[float]] = defaultdict(list)
    for size, seconds in points:
        groups[size].append(seconds)
    return [(size, summarise(values).median) for size, values in sorted(groups.items())]


def nearest_share(rates: Sequence[float], limit: float) -> float:
    """By which to multiply the limit to come closest to all rates, relative to each; 1 without any."""
    if not rates:
        return 1.0
    return sum(1 / rate for rate in rates) / sum(limit / rate**2 for rate in rates)


def _median(values: Sequence[float]) -> float:
    return summarise(values).median
