"""Batches that different instances fill: completed once, announced once, and how soon."""

import time
from uuid import UUID

from rollcall_cluster.measuring.latency import percentile
from rollcall_cluster.scenarios.findings import BarPlot, Finding
from rollcall_cluster.scenarios.stage import Distribution, Stage
from rollcall_cluster.scenarios.verdicts import Row, required, worst
from rollcall_cluster.testing.batches import content, message
from rollcall_events import BatchContentProvisioningCompletedV1, BatchEssaysReadyV1

_BATCHES = 20
_SLOTS = 12
_LAST = 2


async def run(stage: Stage, finding: Finding) -> None:
    """All but the last two contents first; then these two, at the same moment at two instances."""
    distribution = await Distribution(stage).begin()
    places = await stage.partitions_in_turns()
    stage.on_step(f"{_BATCHES} batches of {_SLOTS}, filled from all instances")
    batches = await stage.sender.register([_SLOTS] * _BATCHES)
    for batch_id in batches:
        await _send(stage, batch_id, range(_SLOTS - _LAST), places)
    await stage.settle()
    early = sum(_completions(stage, batch_id) for batch_id in batches)
    stage.on_step("the last two contents of each, at once")
    took_ms = [await _complete(stage, batch_id, places) for batch_id in batches]
    await stage.settle()
    finding.rows += [
        required("completions before the last content", early, 0),
        required(
            "completions of a batch",
            worst([_completions(stage, each) for each in batches], 1),
            1,
            f"{_BATCHES} batches",
        ),
        required(
            "announcements of its ready essays",
            worst([len(stage.outputs.of(BatchEssaysReadyV1, each)) for each in batches], 1),
            1,
        ),
        required("essays in the completion", worst(_essays(stage, batches), _SLOTS), _SLOTS),
        await _state_everywhere(stage, batches),
        _timing("last content sent -> completion readable, median", took_ms, 50),
        _timing("last content sent -> completion readable, P95", took_ms, 95),
    ]
    finding.plots += [
        BarPlot(
            "last content sent -> completion readable",
            " ms",
            {f"P{percent}": percentile(took_ms, percent) for percent in (50, 90, 95, 100)},
        ),
        *await distribution.plots("completion"),
    ]


async def _send(stage: Stage, batch_id: UUID, numbers: range, places: list[int]) -> None:
    messages = [message(content(batch_id, number)) for number in numbers]
    partitions = [places[number % len(places)] for number in numbers]
    await stage.sender.send_contents(messages, partitions, str(batch_id))


async def _complete(stage: Stage, batch_id: UUID, places: list[int]) -> float:
    """Milliseconds from before the last two are sent until the completion has arrived."""
    began_ns = time.monotonic_ns()
    await _send(stage, batch_id, range(_SLOTS - _LAST, _SLOTS), places)
    await stage.outputs.wait_for(
        BatchContentProvisioningCompletedV1, [batch_id], 1, stage.limit_seconds
    )
    (first, *_) = stage.outputs.of(BatchContentProvisioningCompletedV1, batch_id)
    return (first.at_ns - began_ns) / 1e6


def _completions(stage: Stage, batch_id: UUID) -> int:
    return len(stage.outputs.of(BatchContentProvisioningCompletedV1, batch_id))


def _essays(stage: Stage, batches: list[UUID]) -> list[int]:
    return [
        len({essay["text_storage_id"] for essay in seen.data["essays_for_processing"]})
        for batch_id in batches
        for seen in stage.outputs.of(BatchContentProvisioningCompletedV1, batch_id)
    ]


async def _state_everywhere(stage: Stage, batches: list[UUID]) -> Row:
    told = [
        batch["state"]
        for batch_id in batches
        for batch in await stage.instances.everywhere(f"/v1/batches/{batch_id}")
    ]
    return required(
        "answers that call a batch something else than completed",
        sum(s != "completed" for s in told),
        0,
        f"{len(told)} answers of {stage.instances.count} instances",
    )


def _timing(name: str, took_ms: list[float], percent: float) -> Row:
    return Row(name, round(percentile(took_ms, percent), 2), " ms", detail="one batch at a time")
