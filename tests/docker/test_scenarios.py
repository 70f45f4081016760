"""Scenarios on the rig: inside it, at each replica, and from the host, through the load balancer."""

import json

from rollcall_cluster.scenarios.catalogue import SCENARIOS
from rollcall_cluster.scenarios.findings import Run
from rollcall_cluster.scenarios.runner import run_scenarios
from rollcall_cluster.scenarios.site import RunningSite, running_environment
from rollcall_cluster.scenarios.verdicts import Side, Verdict
from tests.docker.rig import Rig


def test_inside_the_rig_every_replica_is_asked(rig: Rig) -> None:
    """Its metrics, too; only the death of Redis is left out."""
    rig.up(replicas=3)
    told = rig.compose(
        *("run", "--rm", "-T", "scenarios", "--scenario", "performance", "--duration", "10"),
        *("--targets", "customary", "--json"),
        seconds=300,
        expect=None,
    )
    found = json.loads(told[told.index("{\n") : told.rindex("}") + 1])
    (finding,) = found["findings"]
    verdicts = {row["name"]: row["verdict"]["customary"] for row in finding["rows"]}
    assert (finding["problem"], found["instances"]) == ("", 3)
    assert not {"violated", "not measured"} & set(verdicts.values()), verdicts


async def test_through_the_load_balancer_instances_are_told_apart(rig: Rig) -> None:
    """What only the replicas themselves tell is said to be not measured."""
    rig.up(replicas=3)
    run = Run("compose", 0, 10.0, Side.CUSTOMARY, "2026-01-12T08:30:00+00:00", "", 2, 0.0)
    chosen = [SCENARIOS[name] for name in ("coordination", "completion", "redis_consistency")]
    site = RunningSite(running_environment(rig.ports))
    await run_scenarios(site, chosen, run, lambda _: None, lambda _: None)
    assert [finding.problem for finding in run.findings] == ["", "", ""]
    assert run.instances == 3
    rows = [row for finding in run.findings for row in finding.rows]
    assert Verdict.VIOLATED not in [row.verdict(Side.OURS) for row in rows]
    assert [row.name for row in rows if row.measured is None] == ["failure and recovery"]
