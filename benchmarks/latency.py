"""Latency: from the moment a content is due to be produced until its slot event is readable."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer
from rich.console import Console
from rich.table import Table

from benchmarks import machine, results, usage
from benchmarks.contestants import parse
from benchmarks.deployment import Deployment
from benchmarks.errors import BenchmarkError
from benchmarks.journey import STAGES, Reading, stages_ms
from benchmarks.run import Conditions, Stage, open_stage
from benchmarks.summary import summarise
from rollcall_cluster.measuring.latency import SETTLING_SECONDS, latencies_ms, percentile
from rollcall_cluster.measuring.load import Load
from rollcall_cluster.measuring.pacing import Pace, Paced, Pacer
from rollcall_events import EssayContentProvisionedV1, EssaySlotAssignedV1

PERCENTS = (50.0, 99.0, 99.9)
SLOW_RATE = 100.0
_REHEARSALS = 2
_GRACE_SECONDS = 30.0
_PEAK_LOAD = Load("peak", 100, 500)


@dataclass(frozen=True, slots=True)
class LatencyRun:
    """One run: milliseconds at each of PERCENTS.

    Attributes:
        stages_ms: where they went, at p50 and p99 of each stage.
        cpu_us: for each event, by process; `measuring` is what produces and what reads.
        others_share: part of the CPU time that was not the benchmark's.
    """

    at: str
    rate: float
    events: int
    paced: Paced
    percentiles_ms: Mapping[str, float]
    stages_ms: Mapping[str, Mapping[str, float]]
    cpu_us: Mapping[str, float]
    others_share: float


async def benchmark(
    console: Console,
    conditions: Conditions,
    seconds: float,
    rounds: int,
    peak_rate: float | None,
    replicas: int = 1,
) -> bool:
    """Measure, print, keep the raw results; the peak rate is measured first unless it is given.

    Both rates are rehearsed at length first: a broker that has not seen some thousand transactions
    still compiles its code, which takes a quarter of a core of its own.
    """
    contestant = parse(f"rollcall:{replicas}")
    runs: list[LatencyRun] = []
    peaks: list[float] = []
    for number in range(1, rounds + 1):
        async with open_stage(conditions, contestant) as stage:
            await stage.warm_up()
            loads: list[Load] = []
            if peak_rate is None:
                loads.append(_PEAK_LOAD)
                took, _ = await stage.run(_PEAK_LOAD)
                peaks.append(_PEAK_LOAD.events / took)
            rates = {"slow": SLOW_RATE, "half": (peak_rate or peaks[-1]) / 2}
            for at, rate in rates.items() if number == 1 else ():
                loads.append(paced_load(at, rate, seconds * _REHEARSALS))
                unmeasured = await measure_at_pace(stage, at, rate, loads[-1])
                console.print(f"rehearsal: {_story(unmeasured)}")
            for at, rate in rates.items():
                loads.append(paced_load(at, rate, seconds))
                runs.append(await measure_at_pace(stage, at, rate, loads[-1]))
                console.print(f"round {number}: {_story(runs[-1])}")
            if wrong := await stage.problems(loads):
                raise BenchmarkError(f"wrong answer: {'; '.join(wrong)}")
    console.print(table(runs))
    file = results.write(
        "latency",
        {
            **machine.describe(conditions.servers),
            "replicas": replicas,
            "seconds": seconds,
            "peaks": peaks,
            "figures": figures(runs),
            "runs": [asdict(run) for run in runs],
        },
    )
    console.print(f"raw results: {file}", markup=False)
    return True


def figures(runs: Sequence[LatencyRun]) -> dict[str, list[float]]:
    """By name such as `p99 ms slow`, the value of each run."""
    found: dict[str, list[float]] = {}
    for run in runs:
        for percent, value in run.percentiles_ms.items():
            found.setdefault(f"{percent} ms {run.at}", []).append(value)
        for stage, percentiles in run.stages_ms.items():
            for percent, value in percentiles.items():
                found.setdefault(f"{stage}, {percent} ms {run.at}", []).append(value)
        found.setdefault(f"replica cpu us {run.at}", []).append(run.cpu_us["replica"])
    return found


def table(runs: Sequence[LatencyRun]) -> Table:
    """Milliseconds at each rate; medians of the runs."""
    shown = Table(
        "events/s",
        *(f"p{percent:g} ms" for percent in PERCENTS),
        "highest p99",
        *(f"{stage}, p50 (p99) ms" for stage in STAGES),
    )
    for at in dict.fromkeys(run.at for run in runs):
        chosen = [run for run in runs if run.at == at]
        rate = summarise([run.rate for run in chosen]).median
        cells = [
            summarise([run.percentiles_ms[f"p{percent:g}"] for run in chosen])
            for percent in PERCENTS
        ]
        shown.add_row(
            f"{rate:,.0f}",
            *(f"{cell.median:.1f}" for cell in cells),
            f"{cells[1].highest:.1f}",
            *(_of_stage(chosen, stage) for stage in STAGES),
        )
    return shown


def _of_stage(runs: Sequence[LatencyRun], stage: str) -> str:
    half, most = (
        summarise([run.stages_ms[stage][percent] for run in runs]).median
        for percent in ("p50", "p99")
    )
    return f"{half:.1f} ({most:.1f})"


def paced_load(at: str, rate: float, seconds: float) -> Load:
    """What is produced in so many seconds, and in those that are left out."""
    slots = 100 if rate <= SLOW_RATE else 500
    events = rate * (seconds + SETTLING_SECONDS)
    return Load(f"{at}-{uuid4()}", max(1, round(events / slots)), slots)


async def measure_at_pace(stage: Stage, at: str, rate: float, load: Load) -> LatencyRun:
    """Produce the load at that rate; once every slot event was read, how late each was.

    Raises:
        BenchmarkError: slot events are missing.
        MeasurementError: the producer failed, or a slot event came twice.
    """
    await stage.register(load)
    stage.deployment.settle()
    topic = stage.deployment.topic(EssayContentProvisionedV1)
    servers = stage.deployment.bootstrap_servers
    pace = Pace(servers, topic, rate, load.name, load.batches, load.slots)
    pacer = Pacer(pace)
    try:
        await pacer.wait_ready()
        await usage.wait_quiet(stage.patience_seconds)
        before = usage.measure(stage.deployment, stage.replicas)
        paced, readings = await _run(stage.deployment, pacer, load, pace.seconds)
        used = usage.measure(stage.deployment, stage.replicas).since(before)
    finally:
        pacer.close()
    used = replace(used, harness=used.harness + paced.cpu_seconds)
    arrivals = [reading.arrival for reading in readings]
    found = latencies_ms(load, paced.began_ns, rate, arrivals)
    unix_minus_monotonic_ns = time.time_ns() - time.monotonic_ns()
    return LatencyRun(
        at,
        rate,
        load.events,
        paced,
        {f"p{percent:g}": round(percentile(found, percent), 2) for percent in PERCENTS},
        stages_ms(load, paced.began_ns, rate, readings, unix_minus_monotonic_ns),
        used.each_us_with_measuring(load.events),
        round(used.others_share, 3),
    )


async def _run(
    deployment: Deployment, pacer: Pacer, load: Load, seconds: float
) -> tuple[Paced, list[Reading]]:
    consumer = AIOKafkaConsumer(
        deployment.topic(EssaySlotAssignedV1),
        bootstrap_servers=deployment.bootstrap_servers,
        isolation_level="read_committed",
        auto_offset_reset="latest",
    )
    async with consumer:
        await consumer.seek_to_end()
        for partition in consumer.assignment():
            await consumer.position(partition)
        reading = asyncio.create_task(_read(consumer, load.events))
        paced = await pacer.run()
        try:
            return paced, await asyncio.wait_for(reading, seconds + _GRACE_SECONDS)
        except TimeoutError as error:
            raise BenchmarkError("slot events are missing, or far too late") from error


async def _read(consumer: Any, count: int) -> list[Reading]:
    """Note when each value was there; look into them later."""
    found: list[Reading] = []
    while len(found) < count:
        polled = await consumer.getmany(timeout_ms=1000)
        now = time.monotonic_ns()
        for records in polled.values():
            found += [Reading(now, record.value, record.timestamp) for record in records]
    return found


def _story(run: LatencyRun) -> str:
    values = ", ".join(f"{name} {value:.0f}" for name, value in run.percentiles_ms.items())
    return (
        f"{run.rate:,.0f}/s: {values} ms; sent {run.paced.late_ms_p99:.1f} ms late (p99),"
        f" replica {run.cpu_us['replica']:.0f} us/event, others' CPU {run.others_share:.0%}"
    )
