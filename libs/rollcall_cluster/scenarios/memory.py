"""Resident memory of the instances while the same number of contents comes in small or in large batches."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from rollcall_cluster.measuring.load import Load
from rollcall_cluster.scenarios.findings import BarPlot, Finding
from rollcall_cluster.scenarios.stage import Stage
from rollcall_cluster.scenarios.targets import MEMORY_GROWTH

SMALL_SLOTS, LARGE_SLOTS = 10, 1000
_CONTENTS_A_SECOND, _MOST_CONTENTS = 250, 30_000
_RESIDENT = "process_resident_memory_bytes"
_SAMPLE_SECONDS = 0.3


async def compare(stage: Stage, finding: Finding) -> None:
    """Small batches twice, the first time so that everybody has worked that hard before; then large ones."""
    if stage.instances.balanced:
        reason = "a load balancer serves no /metrics: give the instances themselves"
        finding.rows.append(MEMORY_GROWTH.row(None, not_measured=reason))
        return
    contents = min(_MOST_CONTENTS, int(_CONTENTS_A_SECOND * stage.duration_seconds))
    contents = max(LARGE_SLOTS, contents // LARGE_SLOTS * LARGE_SLOTS)
    await _peak_mb(stage, contents, SMALL_SLOTS)
    small = await _peak_mb(stage, contents, SMALL_SLOTS)
    large = await _peak_mb(stage, contents, LARGE_SLOTS)
    growth = 100 * (large / small - 1)
    finding.rows.append(
        MEMORY_GROWTH.row(
            round(growth, 2), f"{large:.1f} over {small:.1f} MB, {contents:,} contents each"
        )
    )
    finding.plots.append(
        BarPlot(
            f"peak memory of an instance, {contents:,} contents",
            " MB",
            {f"batches of {SMALL_SLOTS}": small, f"batches of {LARGE_SLOTS:,}": large},
        )
    )


async def _peak_mb(stage: Stage, contents: int, slots: int) -> float:
    """The largest resident memory of any instance while they come."""
    load = Load(f"memory-{uuid.uuid4()}", contents // slots, slots)
    await stage.sender.register_load(load)
    await stage.settle()
    seen: list[float] = []
    async with _sampling(stage, seen):
        await stage.sender.send_load(load)
        await stage.settle()
    return max(seen) / 2**20


@asynccontextmanager
async def _sampling(stage: Stage, seen: list[float]) -> AsyncIterator[None]:
    """Look now and then in the background, and once at the end."""

    async def look() -> None:
        seen.extend((await stage.instances.gauge(_RESIDENT)).values())

    async def look_on() -> None:
        while True:
            await look()
            await asyncio.sleep(_SAMPLE_SECONDS)

    task = asyncio.create_task(look_on(), name="memory")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await look()
