"""One, three and five instances, each held to the same small share of a core, all with backlog."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg

from rollcall_cluster.auditor import AuditOptions, verify
from rollcall_cluster.chaos.world import World
from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.provisioning import discard, provision
from rollcall_cluster.local.readiness import wait_until_ready
from rollcall_cluster.local.replica import Replica
from rollcall_cluster.measuring.feeding import Feeder
from rollcall_cluster.measuring.load import Load
from rollcall_cluster.measuring.progress import Sample, rate, sample_until, steady
from rollcall_cluster.measuring.quota import limited, why_no_quota
from rollcall_cluster.scenarios.findings import BarPlot, CurvePlot, Finding
from rollcall_cluster.scenarios.stage import Distribution, Stage, audit_target, open_stage
from rollcall_cluster.scenarios.targets import SCALING
from rollcall_cluster.scenarios.verdicts import Row, required
from rollcall_events import BatchEssaysRegisteredV1, EssayContentProvisionedV1

COUNTS = (1, 3, 5)
PARTITIONS = 60
SHARE_OF_CORE = 0.1
_EXPECTED_RATE = 2_500
"""Contents a second of one limited instance, from above: the backlog has to outlast the window."""
_WINDOW_SHARE, _SHORTEST_SECONDS, _LONGEST_SECONDS = 0.2, 4.0, 20.0
_SLOTS = 200
_WARM_UP_BATCHES, _WARM_UP_SLOTS = 20, 50
_MEASURED_SHARE = 0.78
"""Of the backlog; towards its end, some partitions are empty."""
_PATIENCE_SECONDS = 120.0
_SESSION_SECONDS = 6
_RELAY = "rollcall_relay_transaction_seconds"
_NOT_OURS = (
    "needs instances of its own: run it with embedded servers, or name the servers of the deployment"
    " with ROLLCALL_* and leave ROLLCALL_TEST_INSTANCES out"
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One number of instances. `transactions`: of Kafka, for 1,000 contents."""

    count: int
    rate: float
    transactions: float
    samples: Sequence[Sample]
    by_instance: Mapping[str, float]
    violations: int
    invariants: int


async def run(stage: Stage, finding: Finding) -> None:
    """Each number on a deployment of its own, on the same servers; one instance before and after."""
    cluster = stage.cluster
    if cluster is None:
        finding.rows += [target.row(None, not_measured=_NOT_OURS) for target in SCALING.values()]
        return
    if reason := why_no_quota():
        finding.rows += [target.row(None, not_measured=reason) for target in SCALING.values()]
        return
    await asyncio.to_thread(cluster.scale, 0, stage.on_step)
    found = [await _measure(stage, cluster, count) for count in COUNTS]
    again = await _measure(stage, cluster, 1, "again")
    finding.rows += rows_of(found, again)
    finding.plots += _plots(found)


def rows_of(found: Sequence[Measured], again: Measured) -> list[Row]:
    """Proportions are to the mean of both measurements of one instance."""
    alone = (found[0].rate + again.rate) / 2
    named = [*((f"{each.count} instances", each) for each in found), ("1 instance, again", again)]
    rows = [Row(f"{name}, contents a second", round(each.rate, 1), "/s") for name, each in named]
    rows += [
        Row(f"{each.count} instances, Kafka transactions for 1,000 contents", each.transactions)
        for each in found
    ]
    rows += [
        SCALING[each.count].row(
            round(each.rate / alone, 2) if alone else None,
            f"{SHARE_OF_CORE:.0%} of a core each",
            not_measured="" if alone else "one instance handled nothing",
        )
        for each in found
        if each.count in SCALING
    ]
    rows.append(
        required(
            "violations in the audits of these deployments",
            sum(each.violations for each in (*found, again)),
            0,
            f"{found[0].invariants} invariants, {len(found) + 1} audits",
        )
    )
    return rows


def _plots(found: Sequence[Measured]) -> list[BarPlot | CurvePlot]:
    alone = found[0].rate
    most = found[-1]
    return [
        BarPlot(
            f"contents a second, each instance held to {SHARE_OF_CORE:.0%} of a core",
            "/s",
            {f"{each.count} instances": round(each.rate, 1) for each in found},
            {f"{count}x in proportion": count * alone for count in COUNTS},
        ),
        CurvePlot(
            "contents handled since the backlog was released",
            "s",
            "",
            {f"{each.count} instances": _curve(each.samples) for each in found},
        ),
        BarPlot(f"contents by instance, {most.count} instances", "", most.by_instance),
    ]


def _curve(samples: Sequence[Sample]) -> list[tuple[float, float]]:
    first = samples[0]
    return [(round(s.at - first.at, 2), float(s.handled - first.handled)) for s in samples]


async def _measure(stage: Stage, cluster: LocalCluster, count: int, which: str = "") -> Measured:
    """A backlog that is held back until all wait for it under their quotas."""
    stage.on_step(f"{count} instances: starting")
    name = f"{stage.environment['ROLLCALL_DATABASE_SCHEMA']}_x{count}{which}"
    addresses = {k: v for k, v in stage.environment.items() if k.endswith(("_SERVERS", "_DSN"))}
    environment = World.named(name, addresses, _SESSION_SECONDS).environment
    async with _replicas(stage, cluster, environment, count) as replicas:
        urls = [replica.url for replica in replicas]
        async with open_stage(
            environment, urls, None, stage.duration_seconds, stage.on_step
        ) as inner:
            samples, by_instance, transactions = await _work_off(inner, replicas, count)
        stage.on_step(f"{count} instances: auditing")
        report = await verify(
            audit_target(environment), AuditOptions(wait_seconds=_PATIENCE_SECONDS)
        )
    end = samples[0].handled + _load(stage, count).events
    return Measured(
        count,
        rate(steady(samples, end)),
        round(1000 * transactions / _load(stage, count).events, 1),
        samples,
        by_instance,
        report.violations,
        len(report.checks),
    )


async def _work_off(
    stage: Stage, replicas: Sequence[Replica], count: int
) -> tuple[list[Sample], Mapping[str, float], float]:
    """Samples, contents by instance, and how many transactions of Kafka all of it took.

    Quotas begin after the warm-up: nobody is measured while it loads its modules.
    """
    prefix = stage.environment["ROLLCALL_TOPIC_PREFIX"]
    async with Feeder(stage.environment["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"], prefix) as feeder:
        await _wait_shared_out(stage, count)
        await _feed(stage, feeder, Load("warm-up", _WARM_UP_BATCHES, _WARM_UP_SLOTS))
        await feeder.release()
        await stage.ledger.wait_published(feeder.last_offsets, _PATIENCE_SECONDS)
        load = _load(stage, count)
        stage.on_step(f"{count} instances: a backlog of {load.events:,}")
        await _feed(stage, feeder, load)
        distribution = await Distribution(stage).begin()
        relayed = await _transactions(stage)
        pids = [replica.process.pid for replica in replicas if replica.process]
        stage.on_step(f"{count} instances: working it off under quotas")
        with limited(pids, SHARE_OF_CORE):
            await feeder.release()
            samples = await _sample(stage, load)
        await stage.ledger.wait_published(feeder.last_offsets, _PATIENCE_SECONDS)
        by_instance, _ = await distribution.counts()
        return samples, by_instance, await _transactions(stage) - relayed


async def _transactions(stage: Stage) -> float:
    """Those that the relays of all instances have committed so far."""
    return sum(each.count for each in (await stage.instances.histograms(_RELAY)).values())


def _load(stage: Stage, count: int) -> Load:
    window = stage.duration_seconds * _WINDOW_SHARE
    seconds = min(_LONGEST_SECONDS, max(_SHORTEST_SECONDS, window))
    return Load("scaling", round(_EXPECTED_RATE * count * seconds / _SLOTS), _SLOTS)


async def _feed(stage: Stage, feeder: Feeder, load: Load) -> None:
    """Have a load registered, and its contents in the log where nobody can read them yet."""
    await feeder.send(stage.sender.topic(BatchEssaysRegisteredV1), load.registrations())
    await stage.ledger.wait_published(feeder.last_offsets, _PATIENCE_SECONDS)
    await feeder.hold(stage.sender.topic(EssayContentProvisionedV1), load.contents())


async def _sample(stage: Stage, load: Load) -> list[Sample]:
    topic = stage.sender.topic(EssayContentProvisionedV1)
    handled = load.events * _MEASURED_SHARE + _WARM_UP_BATCHES * _WARM_UP_SLOTS
    with psycopg.connect(
        stage.environment["ROLLCALL_POSTGRES_DSN"],
        autocommit=True,
        options=f"-c search_path={stage.environment['ROLLCALL_DATABASE_SCHEMA']}",
    ) as connection:
        return await sample_until(connection, topic, round(handled), _PATIENCE_SECONDS)


async def _wait_shared_out(stage: Stage, count: int) -> None:
    """Every instance has its part of the partitions, and nobody more than its part of the lanes."""
    topic = stage.sender.topic(EssayContentProvisionedV1)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            views = await stage.instances.views()
            owned = [sum(name == topic for name, _ in view.partitions) for view in views]
            lanes = [len(view.lanes) for view in views]
            fair = max(lanes) <= -(-sum(lanes) // count)
            if len(views) == count and min(owned) >= PARTITIONS // count and fair:
                return
            await asyncio.sleep(0.1)


@asynccontextmanager
async def _replicas(
    stage: Stage, cluster: LocalCluster, environment: Mapping[str, str], count: int
) -> AsyncIterator[list[Replica]]:
    """Ready instances on a schema and topics of their own; all of it goes at the end."""
    await asyncio.to_thread(provision, environment, PARTITIONS)
    folder = cluster.home.instances
    replicas = [Replica(folder, f"scaling-{count}-{n}") for n in range(1, count + 1)]
    try:
        for replica in replicas:
            await asyncio.to_thread(replica.start, environment, os.getpid())
        await wait_until_ready(replicas, stage.on_step)
        yield replicas
    finally:
        await asyncio.gather(*(asyncio.to_thread(replica.stop) for replica in replicas))
        await asyncio.to_thread(discard, environment)
