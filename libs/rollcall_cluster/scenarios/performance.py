"""Many at once: contention for slots, a burst of batches, an even stream, small and large batches."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import psutil

from rollcall_cluster.measuring.latency import SETTLING_SECONDS, latencies_ms, percentile
from rollcall_cluster.measuring.load import Load
from rollcall_cluster.measuring.pacing import Pace, Paced, Pacer
from rollcall_cluster.scenarios import memory
from rollcall_cluster.scenarios.findings import BarPlot, CurvePlot, Finding
from rollcall_cluster.scenarios.instances import Histogram
from rollcall_cluster.scenarios.stage import Distribution, Stage
from rollcall_cluster.scenarios.targets import COORDINATION_P95, DATABASE_MEAN, SUCCESS
from rollcall_cluster.scenarios.verdicts import Row, required, worst
from rollcall_cluster.testing.batches import content, message
from rollcall_events import (
    BatchContentProvisioningCompletedV1,
    EssayContentProvisionedV1,
    EssaySlotAssignedV1,
    ExcessContentProvisionedV1,
)

RATE = 1000.0
_CONTENTS, _SLOTS, _CONTESTED = 30, 15, 4
_BURST_BATCHES, _BURST_SLOTS = 25, 20
# Of the run's duration. Under this load a new broker compiles its code for a minute, which takes a
# quarter of a core that the stream needs.
_WARM_UP_SHARE, _STREAM_SHARE, _MOST_SECONDS = 1.0, 0.25, 60.0
_STREAM_SLOTS = 500
_PERCENTS = (50, 90, 95, 99)
_BUSY = "CPU of this machine meanwhile"
_CHUNK, _ACQUIRE = "rollcall_chunk_seconds", "rollcall_database_acquire_seconds"


@dataclass(frozen=True, slots=True)
class _Streamed:
    """How an even stream went.

    Attributes:
        took_ms: of each content, from when it was due until its slot event was readable.
        busy_percent: of all cores of the machine that measures, while it was sent.
    """

    paced: Paced
    took_ms: Sequence[float]
    busy_percent: float


async def run(stage: Stage, finding: Finding) -> None:
    """One after the other, on the same instances."""
    distribution = await Distribution(stage).begin()
    stage.on_step(f"{_CONTENTS} contents for {_SLOTS} slots, at once")
    finding.rows += await _contention(stage)
    stage.on_step(f"a burst of {_BURST_BATCHES} batches")
    finding.rows += await _burst(stage)
    finding.plots += await distribution.plots("contention and burst")
    await stream(stage, finding)
    stage.on_step("memory: small batches, then large ones")
    await memory.compare(stage, finding)


async def stream(stage: Stage, finding: Finding) -> None:
    """An even stream: latency, and what the database took; another goes before it, unmeasured."""
    warm_up_seconds = _seconds(stage, _WARM_UP_SHARE)
    stage.on_step(f"warming up: {RATE:,.0f} events a second for {warm_up_seconds:.0f} s")
    await _paced(stage, warm_up_seconds)
    seconds = _seconds(stage, _STREAM_SHARE)
    stage.on_step(f"{RATE:,.0f} events a second for {seconds:.0f} s")
    chunks, waits = await _histograms(stage, _CHUNK), await _histograms(stage, _ACQUIRE)
    streamed = await _paced(stage, seconds)
    took_ms = streamed.took_ms
    finding.rows += [
        COORDINATION_P95.row(
            round(percentile(took_ms, 95), 2),
            f"{len(took_ms):,} contents; sent {streamed.paced.late_ms_p99:.1f} ms late at P99",
        ),
        *(
            Row(f"the same, P{percent}", round(percentile(took_ms, percent), 2), " ms")
            for percent in (50, 99)
        ),
        # Where it is near 100 %, latencies are those of the machine.
        Row(_BUSY, streamed.busy_percent, " %", detail="the one that measures"),
    ]
    finding.plots += [_latency_plot(took_ms)]
    await _database(stage, finding, chunks, waits)


async def _contention(stage: Stage) -> list[Row]:
    batches = await _provision_everywhere(stage, [_SLOTS] * _CONTESTED, _CONTENTS)
    excess = _CONTENTS - _SLOTS
    assigned = [len(stage.outputs.of(EssaySlotAssignedV1, each)) for each in batches]
    refused = [len(stage.outputs.of(ExcessContentProvisionedV1, each)) for each in batches]
    name = f"{_CONTENTS} contents for {_SLOTS} slots"
    return [
        required(
            f"{name}, assigned", worst(assigned, _SLOTS), _SLOTS, f"{_CONTESTED} batches at once"
        ),
        required(f"{name}, excess", worst(refused, excess), excess),
    ]


async def _burst(stage: Stage) -> list[Row]:
    batches = await _provision_everywhere(stage, [_BURST_SLOTS] * _BURST_BATCHES, _BURST_SLOTS)
    completed = [len(stage.outputs.of(BatchContentProvisioningCompletedV1, b)) for b in batches]
    assigned = sum(
        len({seen.data["text_storage_id"] for seen in stage.outputs.of(EssaySlotAssignedV1, each)})
        for each in batches
    )
    sent = _BURST_BATCHES * _BURST_SLOTS
    name = f"burst of {_BURST_BATCHES} batches"
    return [
        required(f"{name}, completed once", sum(each == 1 for each in completed), len(batches)),
        SUCCESS.row(100 * assigned / sent, f"{assigned} of {sent} contents of the burst"),
        await _consistency(stage, batches, name),
    ]


async def _consistency(stage: Stage, batches: Sequence[UUID], name: str) -> Row:
    """Batches that any two answers of the instances tell differently, essays included."""
    different = 0
    for batch_id in batches:
        told = await stage.instances.everywhere(f"/v1/batches/{batch_id}")
        essays = await stage.instances.everywhere(f"/v1/batches/{batch_id}/essays?limit=1000")
        different += any(answer != told[0] for answer in told)
        different += any(answer != essays[0] for answer in essays)
    return required(
        f"{name}, differences between instances", different, 0, f"{stage.instances.count} instances"
    )


async def _provision_everywhere(stage: Stage, slots: list[int], contents: int) -> list[UUID]:
    """Register, send every content at once over all partitions, wait until all is told."""
    places = await stage.partitions_in_turns()
    batches = await stage.sender.register(slots)
    await asyncio.gather(
        *(
            stage.sender.send_contents(
                [message(content(batch_id, number)) for number in range(contents)],
                [places[number % len(places)] for number in range(contents)],
                str(batch_id),
            )
            for batch_id in batches
        )
    )
    await stage.settle()
    return batches


def _seconds(stage: Stage, share: float) -> float:
    return min(_MOST_SECONDS, max(3.0, share * stage.duration_seconds))


async def _paced(stage: Stage, seconds: float) -> _Streamed:
    """Produce from a process of its own."""
    contents = RATE * (seconds + SETTLING_SECONDS)
    load = Load(f"stream-{uuid4()}", max(1, round(contents / _STREAM_SLOTS)), _STREAM_SLOTS)
    await stage.sender.register_load(load)
    await stage.settle()
    stage.outputs.arrivals(EssaySlotAssignedV1)
    topic = stage.sender.topic(EssayContentProvisionedV1)
    servers = stage.environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"]
    pacer = Pacer(Pace(servers, topic, RATE, load.name, load.batches, load.slots))
    try:
        await pacer.wait_ready()
        psutil.cpu_percent()  # the next call tells of the time since this one
        paced = await pacer.run()
        busy_percent = psutil.cpu_percent()
    finally:
        pacer.close()
    await stage.outputs.wait_for_assigned(load.events, stage.limit_seconds)
    arrivals = stage.outputs.arrivals(EssaySlotAssignedV1)
    took_ms = latencies_ms(load, paced.began_ns, RATE, arrivals)
    return _Streamed(paced, took_ms, busy_percent)


def _latency_plot(took_ms: Sequence[float]) -> CurvePlot:
    """One point for each half second: the median and P95 of what was due in it."""
    window = int(RATE / 2)
    windows = [took_ms[n : n + window] for n in range(0, len(took_ms), window)]
    curves = {
        f"P{percent}": [
            ((number + 0.5) / 2, percentile(part, percent)) for number, part in enumerate(windows)
        ]
        for percent in _PERCENTS[::2]
    }
    return CurvePlot(
        f"content produced -> slot event readable at {RATE:,.0f} events/s",
        "s",
        "ms",
        curves,
        {"target": COORDINATION_P95.ours.value},
    )


async def _histograms(stage: Stage, name: str) -> dict[str, Histogram]:
    return await stage.instances.histograms(name)


async def _database(
    stage: Stage,
    finding: Finding,
    chunks_before: dict[str, Histogram],
    waits_before: dict[str, Histogram],
) -> None:
    """The transactions of chunks, each of several statements and a commit; waits for a connection."""
    if stage.instances.balanced:
        reason = "a load balancer serves no /metrics: give the instances themselves"
        finding.rows.append(DATABASE_MEAN.row(None, not_measured=reason))
        return
    chunks, waits = await _histograms(stage, _CHUNK), await _histograms(stage, _ACQUIRE)
    took = {url: each.since(chunks_before[url]) for url, each in chunks.items()}
    waited = {url: each.since(waits_before[url]) for url, each in waits.items()}
    finding.rows += [
        DATABASE_MEAN.row(_mean_ms(took), "a chunk's transaction: all its statements and commit"),
        Row("wait for a connection of the pool, mean", _mean_ms(waited), " ms"),
    ]
    means = {url: _mean_ms({url: each}) or 0.0 for url, each in took.items()}
    finding.plots.append(
        BarPlot(
            "a chunk's transaction, mean by instance",
            " ms",
            means,
            {"target": DATABASE_MEAN.ours.value},
        )
    )


def _mean_ms(found: dict[str, Histogram]) -> float | None:
    every = Histogram(
        sum(each.total for each in found.values()), sum(each.count for each in found.values())
    )
    return None if every.mean is None else round(every.mean * 1000, 2)
