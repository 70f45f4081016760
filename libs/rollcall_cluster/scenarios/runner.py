"""Runs scenarios one after the other; each ends with the audit of what it did."""

import asyncio
import time
from collections.abc import Callable, Sequence

import asyncpg
import httpx
from aiokafka.errors import KafkaError

from rollcall.errors import RollcallError
from rollcall_cluster.auditor import AuditOptions, AuditorError, verify
from rollcall_cluster.embedded.errors import EmbeddedServerError
from rollcall_cluster.local.errors import ClusterError
from rollcall_cluster.scenarios.catalogue import Scenario
from rollcall_cluster.scenarios.findings import Finding, Run
from rollcall_cluster.scenarios.site import Site
from rollcall_cluster.scenarios.stage import OnStep, Stage
from rollcall_cluster.scenarios.verdicts import Row, required

_REST_SECONDS = 90.0
_BESIDES_SECONDS = 240.0
"""Starting, stopping, waiting and auditing of one scenario, on a busy machine, too."""
_EXAMPLES = 3
_ENDINGS = (
    RollcallError,
    ClusterError,
    EmbeddedServerError,
    AuditorError,
    KafkaError,
    asyncpg.PostgresError,
    httpx.HTTPError,
    OSError,  # TimeoutError is one
)

OnFinding = Callable[[Finding], None]
"""Is told of each scenario when it is over."""


async def run_scenarios(
    site: Site, scenarios: Sequence[Scenario], run: Run, on_step: OnStep, on_finding: OnFinding
) -> None:
    """Run all, whatever becomes of one; fills `run`."""
    for scenario in scenarios:
        finding = Finding(scenario.name, scenario.title)
        run.findings.append(finding)
        began = time.monotonic()
        try:
            async with asyncio.timeout(3 * run.duration_seconds + _BESIDES_SECONDS):
                await _run(site, scenario, run, finding, on_step)
        except _ENDINGS as error:
            finding.problem = f"{type(error).__name__}: {error}"
        if finding.problem or scenario.own_deployments:
            site.disturbed()
        finding.seconds = round(time.monotonic() - began, 1)
        on_finding(finding)


async def _run(site: Site, scenario: Scenario, run: Run, finding: Finding, on_step: OnStep) -> None:
    def told(step: str) -> None:
        on_step(f"{scenario.name}: {step}")

    async with site.stage(scenario.settings, run.duration_seconds, told) as stage:
        run.instances = max(run.instances, stage.instances.count)
        await scenario.run(stage, finding)
        if not scenario.own_deployments:
            told("auditing")
            finding.rows.append(await _audit(stage))


async def _audit(stage: Stage) -> Row:
    report = await verify(
        stage.target, AuditOptions(wait_seconds=_REST_SECONDS, max_examples=_EXAMPLES)
    )
    violated = "; ".join(
        f"{check.code}: {', '.join(map(str, check.examples))}"
        for check in report.checks
        if check.violations
    )
    records = sum(log.records for log in report.logs)
    return required(
        "violations in the audit",
        report.violations,
        0,
        violated or f"{len(report.checks)} invariants, {records:,} records so far",
    )
