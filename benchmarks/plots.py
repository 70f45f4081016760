"""Pictures for docs/performance.md, from raw results alone. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.cores import cores
from benchmarks.summary import Summary, summarise
from benchmarks.svg import Bar, Line, bars, lines
from benchmarks.verdicts import Figures

Results = Mapping[str, Mapping[str, Any]]
"""By benchmark, the content of its newest file."""

_SUFFIX = " events/s"


def plots(found: Results) -> dict[str, str]:
    """By file name, each picture for which there are results."""
    drawn = {
        "throughput.svg": _throughput(found),
        "ceilings.svg": _ceilings(found),
        "latency.svg": _latency(found),
        "scaling.svg": _scaling(found),
        "fill.svg": _endurance(found),
        **{f"profile-{each['at']}.svg": _profile(found, each) for each in _profiles(found)},
        "cores.svg": cores(found.get("throughput", {}), found.get("latency", {})),
    }
    return {name: picture for name, picture in drawn.items() if picture}


def figures_of(found: Results) -> Figures:
    """What the verdicts read."""
    return {name: content["figures"] for name, content in found.items()}


def _throughput(found: Results) -> str:
    values = _figures(found, "throughput")
    items = [
        Bar(name.removesuffix(_SUFFIX), summarise(rates), name.startswith("rollcall"))
        for name, rates in values.items()
        if name.endswith(_SUFFIX) and rates
    ]
    if not items:
        return ""
    return bars(
        "End to end, events a second",
        f"{_machine(found, 'throughput')}; released input to last completion, read_committed",
        "",
        items,
    )


def _ceilings(found: Results) -> str:
    values = _figures(found, "ceilings")
    items = [
        Bar(name.removesuffix("/s"), summarise(rates))
        for name, rates in values.items()
        if name.endswith("/s") and not name.startswith(("commits", "drain"))
    ]
    if not items:
        return ""
    return bars(
        "Each stage alone, events a second",
        f"{_machine(found, 'ceilings')}; assignment: connections x records of a chunk",
        "",
        items,
    )


def _latency(found: Results) -> str:
    runs: Sequence[Mapping[str, Any]] = found.get("latency", {}).get("runs", ())
    items = []
    for at in dict.fromkeys(run["at"] for run in runs):
        chosen = [run for run in runs if run["at"] == at]
        rate = summarise([run["rate"] for run in chosen]).median
        for percent in chosen[0]["percentiles_ms"]:
            value: Summary = summarise([run["percentiles_ms"][percent] for run in chosen])
            items.append(Bar(f"{rate:,.0f} events/s, {percent}", value, ours=True))
    if not items:
        return ""
    return bars(
        "Latency, due to be produced until the slot event is readable",
        f"{_machine(found, 'latency')}; the line reaches from the best to the worst round",
        " ms",
        items,
    )


def _scaling(found: Results) -> str:
    content = found.get("scaling", {})
    runs: Sequence[Mapping[str, Any]] = content.get("runs", ())
    if not runs:
        return ""
    points = [(float(run["replicas"]), float(run["rate"])) for run in runs]
    single = summarise([rate for replicas, rate in points if replicas == 1]).median
    most = max(replicas for replicas, _ in points)
    return lines(
        "Replicas with equal CPU quotas, events a second in the steady state",
        f"{content['share_of_core']:.0%} of a core each, {content['partitions']} partitions",
        "replicas",
        "",
        [
            Line("measured", sorted(points), dots_only=True),
            Line("in proportion", [(0, 0), (most, most * single)]),
        ],
    )


def _endurance(found: Results) -> str:
    passes: Sequence[Mapping[str, Any]] = found.get("endurance", {}).get("passes", ())
    if not passes:
        return ""
    kinds = dict.fromkeys(each["kind"] for each in passes)
    return lines(
        "Throughput as the tables fill, and beside a transaction that is held open",
        f"{_machine(found, 'endurance')}; each point is one pass of the same load",
        "pass",
        "",
        [
            Line(
                kind,
                [
                    (float(number), each["events_per_second"])
                    for number, each in enumerate((p for p in passes if p["kind"] == kind), 1)
                ],
            )
            for kind in kinds
        ],
    )


def _figures(found: Results, benchmark: str) -> Mapping[str, Sequence[float]]:
    values: Mapping[str, Sequence[float]] = found.get(benchmark, {}).get("figures", {})
    return values


def _machine(found: Results, benchmark: str) -> str:
    machine = found[benchmark].get("machine", {})
    return f"{machine.get('cores', '?')} cores, {machine.get('processor', 'unknown')}"


def _profiles(found: Results) -> Sequence[Mapping[str, Any]]:
    profiles: Sequence[Mapping[str, Any]] = found.get("profile", {}).get("profiles", ())
    return profiles


def _profile(found: Results, profile: Mapping[str, Any]) -> str:
    at, rate, writing = profile["at"], profile["events_per_second"], profile["writing_share"]
    suffix = f" us {at}"
    items = [
        Bar(name.removesuffix(suffix), summarise(cost), ours=True)
        for name, cost in _figures(found, "profile").items()
        if name.endswith(suffix)
    ]
    if not items:
        return ""
    return bars(
        f"Where the CPU time of a replica goes ({at}, at {rate:,.0f} events/s), us for each event",
        f"{_machine(found, 'profile')}; stacks sampled, {writing:.0%} of the samples in write(2)",
        "",
        items,
    )
