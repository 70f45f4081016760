"""The simulated story: start, crashes, zombies, a rolling restart, more replicas; then the audit."""

import random
import time
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from structlog.testing import capture_logs

from benchmarks.simulation.lanes import LaneCluster, Settling
from benchmarks.simulation.partitions import PartitionCluster, Rebalance

_MOST_STEPS = 2_000


@dataclass(frozen=True, slots=True)
class Size:
    """How large the simulated deployment is; `records` in each partition."""

    replicas: int = 1000
    partitions: int = 10_000
    records: int = 40
    chunk_records: int = 60
    lanes: int = 64
    seed: int = 2026


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the simulation found."""

    size: Size
    rebalances: list[Rebalance]
    settlings: list[Settling]
    idle_lock_attempts: int
    conflicts: int
    steps: int
    violations: list[str]
    seconds: float

    def raw(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


async def simulate(size: Size) -> Outcome:
    """Run the story.

    Raises:
        RuntimeError: the deployment does not come to rest.
    """
    began = time.perf_counter()
    with capture_logs():
        cluster, rebalances, steps = await _partitions(size)
        settlings, idle = await _lanes(size)
    return Outcome(
        size,
        rebalances,
        settlings,
        idle,
        cluster.positions.conflicts,
        steps,
        cluster.violations(),
        time.perf_counter() - began,
    )


async def _partitions(size: Size) -> tuple[PartitionCluster, list[Rebalance], int]:
    source = random.Random(size.seed)
    cluster = PartitionCluster(size.partitions, size.records, size.chunk_records, source)
    tenth = max(1, size.replicas // 10)
    cluster.join(size.replicas, "first")
    found = [await cluster.rebalance("start")]
    await cluster.step()
    cluster.leave(tenth, as_zombies=False)
    found.append(await cluster.rebalance(f"{tenth} killed"))
    await cluster.step()
    cluster.leave(tenth, as_zombies=True)
    found.append(await cluster.rebalance(f"{tenth} cut off, still working"))
    await cluster.step()
    cluster.join(2 * tenth, "second")
    found.append(await cluster.rebalance(f"{2 * tenth} joined"))
    await cluster.step()
    for number in range(3):
        cluster.leave(1, as_zombies=False)
        cluster.join(1, f"restarted-{number}")
        found.append(await cluster.rebalance("one restarted"))
        await cluster.step()
    cluster.zombies.clear()
    for steps in range(_MOST_STEPS):
        if not cluster.left:
            return cluster, found, steps
        await cluster.step()
    raise RuntimeError(f"{cluster.left} records are left after {_MOST_STEPS} steps")


async def _lanes(size: Size) -> tuple[list[Settling], int]:
    cluster = LaneCluster(size.lanes)
    try:
        cluster.join(max(1, size.replicas // 50), "first")
        found = [await cluster.settle("first replicas")]
        cluster.join(size.replicas - size.replicas // 50, "second")
        found.append(await cluster.settle("all replicas"))
        await cluster.crash(max(1, min(size.lanes, size.replicas // 10)))
        found.append(await cluster.settle("owners killed"))
        return found, await cluster.idle_attempts()
    finally:
        await cluster.close()


def show(console: Console, outcome: Outcome) -> None:
    """Print what was found."""
    size = outcome.size
    table = Table("rebalance", "members", "assigned in", "moved", "each", "position queries")
    table.title = f"{size.replicas:,} replicas, {size.partitions:,} partitions"
    for each in outcome.rebalances:
        table.add_row(
            each.after,
            f"{each.members:,}",
            f"{1000 * each.assign_seconds:.0f} ms",
            f"{each.moved:,}",
            f"{each.fewest} to {each.most}",
            f"{each.reads:,}",
        )
    lanes = Table("lanes", "replicas", "at rest after", "lock attempts", "without a lane")
    lanes.title = f"{size.lanes} lanes"
    for each_settling in outcome.settlings:
        lanes.add_row(
            each_settling.after,
            f"{each_settling.instances:,}",
            f"{each_settling.beats} s",
            f"{each_settling.attempts:,}",
            f"{each_settling.without:,}",
        )
    console.print(table, lanes)
    console.print(
        f"at rest: {outcome.idle_lock_attempts:,} lock attempts a second;"
        f" {outcome.conflicts:,} commits of zombies were refused;"
        f" {size.partitions * size.records:,} records, {len(outcome.violations)} violations,"
        f" in {outcome.seconds:.1f} s"
    )
