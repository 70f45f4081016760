"""A run: rounds of faults, each on a deployment of its own that is audited at rest afterwards."""

import asyncio
import random
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rollcall_cluster.auditor import AuditOptions, AuditorError, verify
from rollcall_cluster.chaos.arena import Arena
from rollcall_cluster.chaos.faults import Fault
from rollcall_cluster.chaos.fleet import Fleet
from rollcall_cluster.chaos.inflicting import Inflicter
from rollcall_cluster.chaos.load import Load
from rollcall_cluster.chaos.proxy import Proxies
from rollcall_cluster.chaos.results import ChaosResult, FaultRecord, RoundRecord
from rollcall_cluster.chaos.sampler import Sampler
from rollcall_cluster.chaos.world import World
from rollcall_cluster.local.cluster import LocalCluster
from rollcall_cluster.local.own_cluster import own_name
from rollcall_cluster.local.provisioning import discard, provision

# A replica tells by itself after its default of 15 s; beyond that and some grace, it is silent.
_SILENT_SECONDS = 25.0
_STEADY_SECONDS = 6.0
_REST_SECONDS = 90.0
_EXAMPLES = 3

OnStep = Callable[[str], None]
"""Is told what is done now."""
OnFault = Callable[[FaultRecord], None]
"""Is told of each fault when it is over."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run; `rate` is in records a second, `faults_per_audit` the length of a round."""

    instances: int
    rate: float
    session_seconds: int
    faults_per_audit: int
    logs: Path | None
    """Where the replicas' logs are kept of rounds in which a target was missed."""


class ChaosRun:
    """Runs a sequence of faults on a cluster; fills `result` as it goes."""

    def __init__(
        self,
        cluster: LocalCluster,
        options: RunOptions,
        result: ChaosResult,
        on_step: OnStep,
        on_fault: OnFault,
    ) -> None:
        self._cluster = cluster
        self._options = options
        self._result = result
        self._on_step = on_step
        self._on_fault = on_fault
        self._began = time.monotonic()
        self._stopping = False

    def stop(self) -> None:
        """Inflict nothing more: finish the fault at hand, audit, return."""
        self._stopping = True
        self._result.interrupted = True

    async def run(self, faults: Sequence[type[Fault]]) -> None:
        """Inflict all faults, in rounds.

        Raises:
            ClusterError: replicas could not be started.
        """
        size = self._options.faults_per_audit
        for number, first in enumerate(range(0, len(faults), size), 1):
            if self._stopping:
                return
            await self._round(number, first, faults[first : first + size])

    async def _round(self, number: int, first: int, faults: Sequence[type[Fault]]) -> None:
        record = RoundRecord(number, self._now)
        self._result.rounds.append(record)
        async with self._deployment(number) as (arena, sampler):
            inflicter = Inflicter(arena, sampler, self._options.rate)
            async with sampler.watching():
                async with arena.load.running():
                    self._on_step(f"round {number}: waiting for a steady rate")
                    await inflicter.settle(self._options.rate, _STEADY_SECONDS)
                    try:
                        await self._inflict_all(inflicter, record, first, faults)
                    finally:
                        await inflicter.end_lingering()
                self._on_step(f"round {number}: auditing")
                await self._audit(arena, record)
            self._keep(sampler, record, arena)
        self._keep_logs(record)

    async def _inflict_all(
        self, inflicter: Inflicter, round_: RoundRecord, first: int, faults: Sequence[type[Fault]]
    ) -> None:
        for number, kind in enumerate(faults, first + 1):
            if self._stopping:
                return
            record = FaultRecord(number, round_.number, kind.name)
            self._result.faults.append(record)
            self._on_step(f"{number}: {kind.name}")
            await inflicter.inflict(kind(), record)
            round_.faults += 1
            self._on_fault(record)

    @asynccontextmanager
    async def _deployment(self, number: int) -> AsyncIterator[tuple[Arena, Sampler]]:
        """A schema, topics, a group and replicas, all gone afterwards."""
        options = self._options
        world = await asyncio.to_thread(self._provision, number)
        with Proxies() as proxies:
            home = self._cluster.home
            fleet = Fleet(home.instances, world, proxies, options.instances)
            arena = Arena(
                world,
                fleet,
                self._cluster.servers,
                Load(world, options.rate, self._result.seed + number),
                options.session_seconds,
                random.Random(f"{self._result.seed}/{number}"),  # noqa: S311 - reproducible
            )
            try:
                await fleet.restart_missing()
                await fleet.wait_ready(self._on_step)
                yield arena, Sampler(fleet, world, self._began, _SILENT_SECONDS)
            finally:
                self._on_step(f"round {number}: stopping replicas")
                await fleet.stop_all()
        await asyncio.to_thread(discard, dict(world.environment))

    def _provision(self, number: int) -> World:
        """Make what the replicas need, on servers that are started if they are ours."""
        servers, home = self._cluster.servers, self._cluster.home
        world = World.named(
            f"{own_name(self._cluster)}_{number}",
            servers.environment,
            self._options.session_seconds,
        )
        home.remember_cluster(dict(world.environment), servers.external_addresses)
        provision(world.environment)
        return world

    async def _audit(self, arena: Arena, record: RoundRecord) -> None:
        options = AuditOptions(wait_seconds=_REST_SECONDS, max_examples=_EXAMPLES)
        try:
            report = await verify(arena.world.audit_target, options)
        except AuditorError as error:
            record.problem = f"not audited: {error}"
            return
        record.problem = None
        record.records = sum(log.records for log in report.logs)
        record.checks = len(report.checks)
        record.violations = report.violations
        record.moving = list(report.moving)
        record.violated = [
            f"{check.code} ({check.violations}): {'; '.join(map(str, check.examples))}"
            for check in report.checks
            if check.violations
        ]

    def _keep(self, sampler: Sampler, record: RoundRecord, arena: Arena) -> None:
        record.ended = self._now
        record.idle = [str(each) for each in sampler.idle.found]
        record.load_failures = arena.load.failures
        self._result.samples += [
            (each.point.at, each.point.produced, each.point.handled, each.ready, each.wanted)
            for each in sampler.samples
        ]

    def _keep_logs(self, record: RoundRecord) -> None:
        """Logs of a good round are dropped, so that each round begins with empty ones."""
        faults = [fault for fault in self._result.faults if fault.round == record.number]
        good = record.ok and all(fault.ok for fault in faults)
        for log in self._cluster.home.instances.glob("*.log"):
            if self._options.logs is None or good:
                log.unlink()
                continue
            folder = self._options.logs / f"round-{record.number}"
            folder.mkdir(parents=True, exist_ok=True)
            shutil.move(log, folder / log.name)

    @property
    def _now(self) -> float:
        return round(time.monotonic() - self._began, 2)
