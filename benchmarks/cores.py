"""Who uses the machine's cores: what a rate can still gain, and from whom. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.summary import summarise
from benchmarks.svg import Stack, stacks

Parts = Mapping[str, float]

_PARTIES = {
    "replicas": "replicas",
    "postgres": "PostgreSQL",
    "kafka": "Kafka",
    "harness": "measuring",
}
_AT_A_PACE = {
    "replicas": "replica",
    "postgres": "postgres",
    "kafka": "kafka",
    "harness": "measuring",
}
_MICROSECONDS = 1e6


def cores(throughput: Mapping[str, Any], latency: Mapping[str, Any]) -> str:
    """A bar for each contestant at its full rate and for each rate of the latency; empty without any.

    Args:
        throughput: content of a raw result.
        latency: likewise.
    """
    rows = [*_at_full_rate(throughput), *_at_a_pace(latency)]
    if not rows:
        return ""
    count = (throughput or latency).get("machine", {}).get("cores", 1)
    return stacks(
        "Cores in use",
        f"of {count}; medians of the rounds. Latency: at a pace, what produces and what reads included",
        float(count),
        rows,
    )


def _at_full_rate(throughput: Mapping[str, Any]) -> list[Stack]:
    runs: Sequence[Mapping[str, Any]] = [
        run for run in throughput.get("measurements", ()) if run.get("usage")
    ]
    named: dict[str, list[Parts]] = {}
    for run in runs:
        if run["workload"] == "keyed":
            used = {party: run["usage"][party] / run["seconds"] for party in _PARTIES}
            named.setdefault(f"{run['contestant']} x{run['replicas']}", []).append(used)
    return [Stack(name, _medians(every)) for name, every in named.items()]


def _at_a_pace(latency: Mapping[str, Any]) -> list[Stack]:
    named: dict[str, list[Parts]] = {}
    rates: dict[str, list[float]] = {}
    for run in latency.get("runs", ()):
        used = run.get("cpu_us", {})
        cores_used = {
            party: used.get(name, 0.0) * run["rate"] / _MICROSECONDS
            for party, name in _AT_A_PACE.items()
        }
        named.setdefault(run["at"], []).append(cores_used)
        rates.setdefault(run["at"], []).append(run["rate"])
    return [
        Stack(f"latency, {summarise(rates[at]).median:,.0f} events/s", _medians(every))
        for at, every in named.items()
        if any(any(used.values()) for used in every)
    ]


def _medians(every: Sequence[Parts]) -> dict[str, float]:
    """By the name to be shown, the median over the rounds."""
    return {
        name: summarise([used[party] for used in every]).median
        for party, name in _PARTIES.items()
        if party in every[0]
    }
